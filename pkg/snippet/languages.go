package snippet

// Languages are all that there are, in the order in which pages show them.
func Languages() []Language {
	return []Language{
		{"curl", "curl", Shell, `curl «url» \
  -H «field»‹post| \
  -H 'Content-Type: application/json' \
  --data-raw «body»›`},

		{"wget", "wget", Shell, `wget -q -O - --header=«field»‹post| \
  --header='Content-Type: application/json' \
  --post-data=«body»› \
  «url»`},

		{"python", "Python", Double, `import requests

r = requests.‹get|get›‹post|post›(
    «url»,‹post|
    data=«body».encode(),›
    headers={‹post|"Content-Type": "application/json", ›"Accept": «accept»},
)
r.raise_for_status()
print(‹json|r.json()›‹text|r.text›)`},

		{"r", "R", Double, `library(httr)‹json|
library(jsonlite)›

r <- ‹get|GET›‹post|POST›(
  «url»,
  accept(«accept»)‹post|,
  content_type_json(),
  body = «body»›
)
stop_for_status(r)
‹json|print(fromJSON(content(r, "text", encoding = "UTF-8")))›‹text|cat(content(r, "text", encoding = "UTF-8"))›`},

		{"perl", "Perl", Single, `use strict;
use warnings;
use HTTP::Tiny;‹json|
use JSON::PP;›

my $r = HTTP::Tiny->new->‹get|get›‹post|post›(«url», {
  headers => { ‹post|'Content-Type' => 'application/json', ›'Accept' => «accept» },‹post|
  content => «body»,›
});
die "$r->{status} $r->{reason}\n" unless $r->{success};
print ‹json|JSON::PP->new->pretty->utf8->encode(decode_json($r->{content}))›‹text|$r->{content}›;`},

		{"javascript", "JavaScript", Double, `const response = await fetch(«url», {‹post|
  method: "POST",›
  headers: { ‹post|"Content-Type": "application/json", ›"Accept": «accept» },‹post|
  body: «body»,›
});
if (!response.ok) throw new Error(await response.text());
console.log(‹json|JSON.stringify(await response.json(), null, 2)›‹text|await response.text()›);`},

		{"go", "Go", Double, `package main

import (
	"io"
	"log"
	"net/http"
	"os"‹post|
	"strings"›
)

func main() {
	request, err := http.NewRequest(‹get|"GET", «url», nil›‹post|"POST", «url», strings.NewReader(«body»)›)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Accept", «accept»)‹post|
	request.Header.Set("Content-Type", "application/json")›
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		log.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		log.Fatal(response.Status)
	}
}`},

		{"java", "Java", Double, `import java.net.URI;
import java.net.http.*;

public class Ask {
  public static void main(String[] args) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(«url»))
        .header("Accept", «accept»)‹post|
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(«body»))›
        .build();
    var response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) throw new RuntimeException(response.body());
    System.out.println(response.body());
  }
}`},

		{"ruby", "Ruby", Single, `require 'net/http'‹json|
require 'json'›

uri = URI(«url»)
request = Net::HTTP::‹get|Get›‹post|Post›.new(uri, 'Accept' => «accept»‹post|, 'Content-Type' => 'application/json'›)‹post|
request.body = «body»›
response = Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == 'https') { |http| http.request(request) }
abort response.code unless response.is_a?(Net::HTTPSuccess)
puts ‹json|JSON.pretty_generate(JSON.parse(response.body))›‹text|response.body›`},
	}
}
