import sys

import requests

server = "http://rest.ensembl.org"


def get(path, kind):
    r = requests.get(server + path, headers={"Content-Type": kind})
    if not r.ok:
        r.raise_for_status()
        sys.exit()
    return r


gene = get("/lookup/id/ENSG00000157764?expand=1", "application/json").json()
print("gene", gene["canonical_transcript"], len(gene["Transcript"]))

headers = {"Content-Type": "application/json", "Accept": "application/json"}
r = requests.post(server + "/lookup/id", headers=headers, data='{ "ids" : ["ENSG00000157764", "ENSG00000000000" ] }')
r.raise_for_status()
batch = r.json()
print("batch", batch["ENSG00000157764"]["display_name"], batch["ENSG00000000000"] or "none")

print(get("/sequence/id/ENST00000288602?type=protein", "text/x-fasta").text, end="")
print(get("/overlap/region/human/7:41000-57000?feature=gene;feature=transcript", "text/x-gff3").text, end="")

r = requests.get(server + "/lookup/id/ENSG00000000000", headers={"Content-Type": "application/json"})
print("error", r.status_code, r.json()["error"])
