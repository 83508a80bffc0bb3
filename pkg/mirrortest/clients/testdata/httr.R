library(httr)
library(jsonlite)

server <- "http://rest.ensembl.org"

get <- function(path, type) {
  r <- GET(paste0(server, path), content_type(type))
  stop_for_status(r)
  content(r, as = "text", encoding = "UTF-8")
}

gene <- fromJSON(get("/lookup/id/ENSG00000157764?expand=1", "application/json"))
cat(paste("gene", gene$canonical_transcript, nrow(gene$Transcript)), "\n", sep = "")

r <- POST(paste0(server, "/lookup/id"), content_type("application/json"), accept("application/json"),
  body = '{ "ids" : ["ENSG00000157764", "ENSG00000000000" ] }')
stop_for_status(r)
batch <- content(r)
none <- if (is.null(batch$ENSG00000000000)) "none" else "some"
cat(paste("batch", batch$ENSG00000157764$display_name, none), "\n", sep = "")

cat(get("/sequence/id/ENST00000288602?type=protein", "text/x-fasta"))
cat(get("/overlap/region/human/7:41000-57000?feature=gene;feature=transcript", "text/x-gff3"))

r <- GET(paste0(server, "/lookup/id/ENSG00000000000"), content_type("application/json"))
cat(paste("error", status_code(r), content(r)$error), "\n", sep = "")
