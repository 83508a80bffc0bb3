package origin

import (
	"encoding/json"
	"fmt"
	"strings"

	"mirrornet/pkg/apispec"
)

// snippet is a request as a program of some language.
type snippet struct{ Language, Text string }

// snippets write an example as programs that run as they stand.
func snippets(site, method string, x apispec.Example) []snippet {
	url := strings.TrimSuffix(site, "/") + x.Target
	post, isJSON := method == "POST", x.ContentType == apispec.JSON
	pick := func(ifPost, otherwise string) string {
		if post {
			return ifPost
		}
		return otherwise
	}
	show := func(ifJSON, otherwise string) string {
		if isJSON {
			return ifJSON
		}
		return otherwise
	}
	return []snippet{
		{"curl", "curl " + shell(url) + " \\\n  -H " + shell("Accept: "+x.ContentType) +
			pick(" \\\n  -H 'Content-Type: application/json' \\\n  -d "+shell(x.Body), "")},
		{"wget", "wget -q -O - --header=" + shell("Accept: "+x.ContentType) +
			pick(" \\\n  --header='Content-Type: application/json' \\\n  --post-data="+shell(x.Body), "") + " \\\n  " + shell(url)},
		{"Python", fmt.Sprintf(`import requests

r = requests.%s(%s,%s
    headers={%s"Accept": %s})
r.raise_for_status()
print(%s)`, pick("post", "get"), quoted(url), pick("\n    data="+quoted(x.Body)+",", ""), pick(`"Content-Type": "application/json", `, ""), quoted(x.ContentType), show("r.json()", "r.text"))},
		{"R", fmt.Sprintf(`library(httr)
%s
r <- %s(%s, accept(%s)%s)
stop_for_status(r)
%s`, show("library(jsonlite)\n", ""), pick("POST", "GET"), quoted(url), quoted(x.ContentType), pick(",\n  content_type_json(), body = "+quoted(x.Body), ""),
			show(`print(fromJSON(content(r, "text", encoding = "UTF-8")))`, `cat(content(r, "text", encoding = "UTF-8"))`))},
		{"Perl", fmt.Sprintf(`use strict;
use warnings;
use HTTP::Tiny;
%s
my $r = HTTP::Tiny->new->%s(%s, {
  headers => { %sAccept => %s },%s
});
die "$r->{status} $r->{reason}\n" unless $r->{success};
print %s;`, show("use JSON::PP;\n", ""), pick("post", "get"), perl(url), pick("'Content-Type' => 'application/json', ", ""), perl(x.ContentType), pick("\n  content => "+perl(x.Body)+",", ""),
			show("JSON::PP->new->pretty->encode(decode_json($r->{content}))", "$r->{content}"))},
		{"Ruby", fmt.Sprintf(`require 'net/http'
%s
uri = URI(%s)
request = Net::HTTP::%s.new(uri, 'Accept' => %s%s)%s
response = Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == 'https') { |http| http.request(request) }
abort response.code unless response.is_a?(Net::HTTPSuccess)
puts %s`, show("require 'json'\n", ""), perl(url), pick("Post", "Get"), perl(x.ContentType), pick(", 'Content-Type' => 'application/json'", ""), pick("\nrequest.body = "+perl(x.Body), ""),
			show("JSON.pretty_generate(JSON.parse(response.body))", "response.body"))},
		{"Java", fmt.Sprintf(`import java.net.URI;
import java.net.http.*;

public class Ask {
  public static void main(String[] args) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(%s))
        .header("Accept", %s)%s
        .build();
    var response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) throw new RuntimeException(response.body());
    System.out.println(response.body());
  }
}`, quoted(url), quoted(x.ContentType), pick("\n        .header(\"Content-Type\", \"application/json\")\n        .POST(HttpRequest.BodyPublishers.ofString("+quoted(x.Body)+"))", ""))},
	}
}

// shell quotes for a POSIX shell.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// perl quotes for Perl and Ruby, whose single quotes know two escapes.
func perl(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quoted quotes as JSON does, which Python, R and Java read, too.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a string can always be written
	return string(b)
}
