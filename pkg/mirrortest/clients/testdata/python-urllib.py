import json
import urllib.error
import urllib.request

server = "http://rest.ensembl.org"


def ask(path, kind, data=None):
    request = urllib.request.Request(server + path, headers={"Content-Type": kind}, data=data)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


gene = json.loads(ask("/lookup/id/ENSG00000157764?expand=1", "application/json"))
print("gene", gene["canonical_transcript"], len(gene["Transcript"]))

body = json.dumps({"ids": ["ENSG00000157764", "ENSG00000000000"]}).encode()
batch = json.loads(ask("/lookup/id", "application/json", body))
print("batch", batch["ENSG00000157764"]["display_name"], batch["ENSG00000000000"] or "none")

print(ask("/sequence/id/ENST00000288602?type=protein", "text/x-fasta"), end="")
print(ask("/overlap/region/human/7:41000-57000?feature=gene;feature=transcript", "text/x-gff3"), end="")

try:
    ask("/lookup/id/ENSG00000000000", "application/json")
except urllib.error.HTTPError as failure:
    print("error", failure.code, json.load(failure)["error"])
