package sample

import "fmt"

// species is what the sample of one species is made of.
type species struct {
	name, display, common, scientific, taxon string
	url, prefix                              string // prefix of stable ids: ENS, ENSMUS
	assembly, assemblyName, accession, date  string
	assemblyVersion                          int
	formerAssembly                           string // "": none
	aliases, classification                  []string
	chromosomes                              []chromosome
	namer                                    string // who names genes: HGNC, MGI
	genes                                    []geneSpec
}

type chromosome struct {
	name    string
	length  int
	synonym []string // UCSC's and RefSeq's names
}

// geneSpec is a gene to make. transcripts and proteins are stable ids without
// version, the canonical ones first; what is missing gets numbers from 900000.
type geneSpec struct {
	chromosome, symbol, id, accession, description string
	version, exons                                 int
	strand                                         int
	biotype                                        string
	transcripts, proteins, exonIDs, synonyms       []string
	analysis                                       string
}

func human() species {
	s := species{
		name: "homo_sapiens", display: "Human", common: "human", scientific: "Homo sapiens", taxon: "9606", url: "Homo_sapiens", prefix: "ENS",
		assembly: "GRCh38", assemblyName: "GRCh38.p14", accession: "GCA_000001405.29", date: "2013-12", assemblyVersion: 38, formerAssembly: "GRCh37",
		aliases:        []string{"human", "homo", "homo sapiens", "h_sapiens", "hsapiens", "homsap", "hsap", "9606", "enshs", "homo_sapiens"},
		classification: []string{"Homo sapiens", "Homininae", "Hominidae", "Catarrhini", "Primates", "Mammalia", "Vertebrata", "Chordata", "Metazoa", "Eukaryota"},
		chromosomes: []chromosome{
			{"7", 420_000, []string{"chr7", "NC_000007.14"}},
			{"13", 360_000, []string{"chr13", "NC_000013.11"}},
			{"X", 1_050_000, []string{"chrX", "NC_000023.11"}},
			{"MT", 16_569, []string{"chrM", "NC_012920.1"}},
		},
		namer: "HGNC",
		genes: []geneSpec{
			{"7", "BRAF", "ENSG00000157764", "HGNC:1097", "B-Raf proto-oncogene, serine/threonine kinase", 14, 18, -1, "protein_coding",
				[]string{"ENST00000646891", "ENST00000288602", "ENST00000496384", "ENST00000469930"}, []string{"ENSP00000493543", "ENSP00000288602", "ENSP00000419060"},
				[]string{"ENSE00003821586", "ENSE00001154485"}, []string{"BRAF1", "B-RAF1"}, "ensembl_havana_gene"},
			{"13", "BRCA2", "ENSG00000139618", "HGNC:1101", "BRCA2 DNA repair associated", 19, 27, 1, "protein_coding",
				[]string{"ENST00000380152", "ENST00000544455", "ENST00000530893", "ENST00000470094"}, []string{"ENSP00000369497", "ENSP00000439902", "ENSP00000499438"},
				nil, []string{"FANCD1", "FAD1", "BRCC2", "FACD"}, "ensembl_havana_gene"},
			{"X", "IRAK1", "ENSG00000184216", "HGNC:6112", "interleukin 1 receptor associated kinase 1", 16, 14, -1, "protein_coding",
				[]string{"ENST00000369980", "ENST00000369974", "ENST00000393687", "ENST00000463031"}, []string{"ENSP00000358997", "ENSP00000358991", "ENSP00000377291"},
				nil, []string{"IRAK", "pelle"}, "ensembl_havana_gene"},
			mitochondrial("MT-SMP1", "ENSG00000900101", 1), mitochondrial("MT-SMP2", "ENSG00000900102", 1), mitochondrial("MT-SMP3", "ENSG00000900103", -1),
		},
	}
	s.genes = append(s.genes, invented("ENSG0000090%04d", "SMPL%d", 1, map[string]int{"7": 9, "13": 8, "X": 14})...)
	return s
}

func mouse() species {
	s := species{
		name: "mus_musculus", display: "Mouse", common: "house mouse", scientific: "Mus musculus", taxon: "10090", url: "Mus_musculus", prefix: "ENSMUS",
		assembly: "GRCm39", assemblyName: "GRCm39", accession: "GCA_000001635.9", date: "2020-06", assemblyVersion: 39,
		aliases:        []string{"mouse", "mus", "mus musculus", "m_musculus", "mmusculus", "musmus", "mmus", "10090", "ensmus", "mus_musculus"},
		classification: []string{"Mus musculus", "Murinae", "Muridae", "Rodentia", "Mammalia", "Vertebrata", "Chordata", "Metazoa", "Eukaryota"},
		chromosomes: []chromosome{
			{"5", 150_000, []string{"chr5", "NC_000071.7"}},
			{"6", 150_000, []string{"chr6", "NC_000072.7"}},
			{"X", 120_000, []string{"chrX", "NC_000086.8"}},
		},
		namer: "MGI",
		genes: []geneSpec{
			{"6", "Braf", "ENSMUSG00000002413", "MGI:88190", "Braf transforming gene", 17, 18, -1, "protein_coding",
				[]string{"ENSMUST00000002487"}, []string{"ENSMUSP00000002487"}, nil, []string{"B-raf"}, "ensembl_havana_gene"},
			{"5", "Brca2", "ENSMUSG00000041147", "MGI:109337", "breast cancer 2, early onset", 11, 27, 1, "protein_coding",
				[]string{"ENSMUST00000044620"}, []string{"ENSMUSP00000038576"}, nil, []string{"Fancd1"}, "ensembl_havana_gene"},
			{"X", "Irak1", "ENSMUSG00000031392", "MGI:107420", "interleukin-1 receptor-associated kinase 1", 18, 14, -1, "protein_coding",
				[]string{"ENSMUST00000033769"}, []string{"ENSMUSP00000033769"}, nil, []string{"Il1rak"}, "ensembl_havana_gene"},
		},
	}
	s.genes = append(s.genes, invented("ENSMUSG0000090%04d", "Smpl%d", 1, map[string]int{"5": 2, "6": 2, "X": 2})...)
	return s
}

func mitochondrial(symbol, id string, strand int) geneSpec {
	return geneSpec{chromosome: "MT", symbol: symbol, id: id, description: "made-up mitochondrial subunit " + symbol[len(symbol)-1:],
		version: 1, exons: 1, strand: strand, biotype: "protein_coding", analysis: "mt_genbank_import"}
}

// biotypes of invented genes, in turn.
var biotypes = []string{"protein_coding", "protein_coding", "lncRNA", "protein_coding", "miRNA", "protein_coding", "processed_pseudogene", "protein_coding", "snRNA"}

// invented makes genes with no counterpart, so many on each chromosome.
func invented(id, symbol string, first int, counts map[string]int) []geneSpec {
	var genes []geneSpec
	n := first
	for _, chromosome := range []string{"5", "6", "7", "13", "X"} {
		for range counts[chromosome] {
			g := geneSpec{chromosome: chromosome, symbol: fmt.Sprintf(symbol, n), id: fmt.Sprintf(id, n), description: fmt.Sprintf("sample gene %d", n),
				version: 1 + n%4, exons: 2 + n*7%9, strand: 1 - n%2*2, biotype: biotypes[n%len(biotypes)], analysis: "ensembl"}
			switch g.biotype {
			case "protein_coding":
			case "lncRNA":
				g.analysis = "havana"
			default:
				g.exons = 1
			}
			genes = append(genes, g)
			n++
		}
	}
	return genes
}
