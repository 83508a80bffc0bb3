package feature

import "context"

// PredictedByLabel finds predicted transcripts (Genscan's, say) by their
// label, whole. Keys are the labels as asked.
func (r *Reader) PredictedByLabel(ctx context.Context, labels []string) (map[string]*Transcript, error) {
	if !r.DB.HasTable("prediction_transcript") || !r.DB.HasTable("prediction_exon") {
		return nil, nil
	}
	byID, ids, at := map[int64]*Transcript{}, []int64{}, places{}
	byLabel := map[string]*Transcript{}
	err := in(ctx, r.DB, `SELECT t.prediction_transcript_id, t.display_label, t.seq_region_id, t.seq_region_start, t.seq_region_end,
		t.seq_region_strand, coalesce(a.logic_name, ''), coalesce(a.gff_source, 'ensembl') FROM {prediction_transcript} t
		LEFT JOIN {analysis} a ON a.analysis_id = t.analysis_id
		WHERE t.display_label IN (%s) ORDER BY t.prediction_transcript_id`, labels,
		func(scan func(...any) error) error {
			t := &Transcript{Predicted: true}
			var sequence int64
			err := scan(&t.ID, &t.StableID, &sequence, &t.At.Start, &t.At.End, &t.At.Strand, &t.Logic, &t.Source)
			if err != nil {
				return err
			}
			t.Name = t.StableID
			at.add(sequence, &t.At)
			if byLabel[fold(t.StableID)] == nil {
				byLabel[fold(t.StableID)] = t
				byID[t.ID] = t
				ids = append(ids, t.ID)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	err = in(ctx, r.DB, `SELECT prediction_transcript_id, prediction_exon_id, seq_region_id, seq_region_start, seq_region_end,
		seq_region_strand, start_phase FROM {prediction_exon} WHERE prediction_transcript_id IN (%s)
		ORDER BY prediction_transcript_id, exon_rank`, ids,
		func(scan func(...any) error) error {
			x := &Exon{}
			var id, sequence int64
			err := scan(&id, &x.ID, &sequence, &x.At.Start, &x.At.End, &x.At.Strand, &x.Phase)
			if err != nil {
				return err
			}
			at.add(sequence, &x.At)
			byID[id].Exons = append(byID[id].Exons, x)
			return nil
		})
	if err != nil {
		return nil, err
	}
	if err := at.resolve(ctx, r.Assembly); err != nil {
		return nil, err
	}
	out := map[string]*Transcript{}
	for _, l := range labels {
		if t := byLabel[fold(l)]; t != nil {
			out[l] = t
		}
	}
	return out, nil
}
