// Package site reads dumps from a web site laid out as Ensembl's FTP site:
// listings of folders as Apache and nginx write them ([ParseListing]),
// CHECKSUMS files ([ParseChecksums]), and files, whose transfer is taken up
// again where it broke off ([Client.Fetch]).
package site
