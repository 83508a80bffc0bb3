require 'net/http'
require 'uri'
require 'json'

SERVER = URI.parse('http://rest.ensembl.org')
HTTP = Net::HTTP.new(SERVER.host, SERVER.port)

def get(path, type)
  response = HTTP.request(Net::HTTP::Get.new(path, { 'Content-Type' => type }))
  abort "#{path}: #{response.code}" if response.code != '200'
  response.body
end

gene = JSON.parse(get('/lookup/id/ENSG00000157764?expand=1', 'application/json'))
puts "gene #{gene['canonical_transcript']} #{gene['Transcript'].length}"

request = Net::HTTP::Post.new('/lookup/id', { 'Content-Type' => 'application/json', 'Accept' => 'application/json' })
request.body = '{ "ids" : ["ENSG00000157764", "ENSG00000000000" ] }'
response = HTTP.request(request)
abort "POST: #{response.code}" if response.code != '200'
batch = JSON.parse(response.body)
puts "batch #{batch['ENSG00000157764']['display_name']} #{batch['ENSG00000000000'] || 'none'}"

print get('/sequence/id/ENST00000288602?type=protein', 'text/x-fasta')
print get('/overlap/region/human/7:41000-57000?feature=gene;feature=transcript', 'text/x-gff3')

response = HTTP.request(Net::HTTP::Get.new('/lookup/id/ENSG00000000000', { 'Content-Type' => 'application/json' }))
puts "error #{response.code} #{JSON.parse(response.body)['error']}"
