set -eu
server=http://rest.ensembl.org
json='Content-type:application/json'

gene=$(curl -sS --compressed "$server/lookup/id/ENSG00000157764?expand=1" -H "$json")
echo "gene $(echo "$gene" | sed 's/.*"canonical_transcript":"\([^"]*\)".*/\1/') $(echo "$gene" | grep -o '"object_type":"Transcript"' | wc -l)"

batch=$(curl -sS "$server/lookup/id" -H "$json" -H 'Accept:application/json' -X POST -d '{ "ids" : ["ENSG00000157764", "ENSG00000000000" ] }')
echo "batch $(echo "$batch" | sed 's/.*"display_name":"\([^"]*\)".*/\1/') $(echo "$batch" | sed 's/.*"ENSG00000000000":null.*/none/')"

curl -sS "$server/sequence/id/ENST00000288602?type=protein" -H 'Content-type:text/x-fasta'
curl -sS "$server/overlap/region/human/7:41000-57000?feature=gene;feature=transcript" -H 'Content-type:text/x-gff3'
curl -sS -w ' %{http_code}\n' "$server/lookup/id/ENSG00000000000" -H "$json" | sed 's/{"error":"\(.*\)"} \(.*\)/error \2 \1/'
