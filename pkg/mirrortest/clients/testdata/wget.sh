set -eu
server=http://rest.ensembl.org
json='Content-type:application/json'

gene=$(wget -q --header="$json" "$server/lookup/id/ENSG00000157764?expand=1" -O -)
echo "gene $(echo "$gene" | sed 's/.*"canonical_transcript":"\([^"]*\)".*/\1/') $(echo "$gene" | grep -o '"object_type":"Transcript"' | wc -l)"

batch=$(wget -q --header="$json" --header='Accept:application/json' --post-data='{ "ids" : ["ENSG00000157764", "ENSG00000000000" ] }' "$server/lookup/id" -O -)
echo "batch $(echo "$batch" | sed 's/.*"display_name":"\([^"]*\)".*/\1/') $(echo "$batch" | sed 's/.*"ENSG00000000000":null.*/none/')"

wget -q --header='Content-type:text/x-fasta' "$server/sequence/id/ENST00000288602?type=protein" -O -
wget -q --header='Content-type:text/x-gff3' "$server/overlap/region/human/7:41000-57000?feature=gene;feature=transcript" -O -
status=0
body=$(wget -q --content-on-error --header="$json" "$server/lookup/id/ENSG00000000000" -O -) || status=$?
test "$status" = 8 # an error of the server
echo "$body" | sed 's/{"error":"\(.*\)"}/error 400 \1/'
