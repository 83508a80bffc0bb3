package sequence

import (
	"bytes"
	"context"
	"encoding/xml"
	"strconv"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genome"
)

// piece is one sequence of an answer.
type piece struct {
	id       string
	version  *int64
	query    string // what the user asked for
	molecule string // dna or protein
	seq      []byte
	source   *source // where seq is too long to be held
	desc     *string // where it lies
	region   bool    // asked for by region: it has neither version nor desc
}

// regionValue and idValue are a piece in JSON.
type regionValue struct {
	ID       string `json:"id"`
	Query    string `json:"query"`
	Molecule string `json:"molecule"`
	Seq      string `json:"seq"`
}

type idValue struct {
	ID       string  `json:"id"`
	Version  *int64  `json:"version"`
	Query    string  `json:"query"`
	Molecule string  `json:"molecule"`
	Desc     *string `json:"desc"`
	Seq      string  `json:"seq"`
}

func (p piece) value() any {
	if p.region {
		return regionValue{p.id, p.query, p.molecule, string(p.seq)}
	}
	return idValue{p.id, p.version, p.query, p.molecule, p.desc, string(p.seq)}
}

// name is the id with its version.
func (p piece) name() string {
	switch {
	case p.region:
		return p.id
	case p.version == nil:
		return p.id + "."
	}
	return p.id + "." + strconv.FormatInt(*p.version, 10)
}

// answer writes pieces in the format of the call: a list, or the first alone.
func answer(ctx context.Context, c ensembl.Call, pieces []piece, list bool, tags ...string) (a ensembl.Answer, err error) {
	if !list {
		pieces = pieces[:1]
	}
	a.Tags = tags
	if pieces[0].source != nil && (len(pieces) > 1 || list) {
		for i, p := range pieces {
			if p.source != nil {
				if pieces[i].seq, err = p.source.read(ctx, 1, p.source.slice.Length()); err != nil {
					return a, err
				}
			}
		}
	} else if pieces[0].source != nil {
		a.Stream, err = stream(c, pieces[0])
		return a, err
	}
	switch c.Format {
	case apispec.FASTA, apispec.HTML:
		a.Text = fasta(pieces)
	case apispec.Plain:
		a.Text = plain(pieces)
	case SeqXML:
		a.Text = seqXML(pieces)
	default:
		if !list {
			a.Value = pieces[0].value()
			break
		}
		values := make([]any, len(pieces))
		for i, p := range pieces {
			values[i] = p.value()
		}
		a.Value = values
	}
	return a, nil
}

func fasta(pieces []piece) []byte {
	var b bytes.Buffer
	for _, p := range pieces {
		b.WriteString(">" + p.name())
		if p.desc != nil {
			b.WriteString(" " + *p.desc)
		}
		b.WriteByte('\n')
		b.Write(genome.Wrap(p.seq, genome.FASTAWidth))
	}
	return b.Bytes()
}

// plain is bare sequences, a line each if there are several.
func plain(pieces []piece) []byte {
	if len(pieces) == 1 {
		return pieces[0].seq
	}
	var b bytes.Buffer
	for _, p := range pieces {
		b.Write(p.seq)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func seqXML(pieces []piece) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + "\n" + `<seqXML xsi:noNamespaceSchemaLocation="http://www.seqxml.org/0.4/seqxml.xsd" seqXMLversion="0.4"` +
		` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` + "\n")
	for _, p := range pieces {
		tag := "DNAseq"
		if p.molecule == "protein" {
			tag = "AAseq"
		}
		b.WriteString(`  <entry id="`)
		xml.EscapeText(&b, []byte(p.name()))
		b.WriteString("\">\n    <" + tag + ">")
		b.Write(p.seq)
		b.WriteString("</" + tag + ">\n  </entry>\n")
	}
	b.WriteString("</seqXML>")
	return b.Bytes()
}
