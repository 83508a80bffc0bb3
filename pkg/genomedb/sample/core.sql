-- The tables of an Ensembl core database, schema version 115, that the API reads.
-- Names and types follow Ensembl's schema (Apache License 2.0), so that the
-- same queries run on the sample and on Ensembl's own databases.

CREATE TABLE alt_allele (
  alt_allele_id int unsigned NOT NULL AUTO_INCREMENT, alt_allele_group_id int unsigned NOT NULL,
  gene_id int unsigned NOT NULL,
  PRIMARY KEY (alt_allele_id), KEY gene_id (gene_id,alt_allele_group_id), KEY gene_idx (gene_id)
);

CREATE TABLE alt_allele_group (
  alt_allele_group_id int unsigned NOT NULL AUTO_INCREMENT,
  PRIMARY KEY (alt_allele_group_id)
);

CREATE TABLE analysis (
  analysis_id smallint unsigned NOT NULL AUTO_INCREMENT, created datetime, logic_name varchar(128) NOT NULL,
  db varchar(120), db_version varchar(40), db_file varchar(120), program varchar(80), program_version varchar(40),
  program_file varchar(80), parameters text, module varchar(80), module_version varchar(40),
  gff_source varchar(40), gff_feature varchar(40),
  PRIMARY KEY (analysis_id), UNIQUE KEY logic_name_idx (logic_name)
);

CREATE TABLE analysis_description (
  analysis_id smallint unsigned NOT NULL, description text, display_label varchar(255) NOT NULL,
  displayable tinyint NOT NULL DEFAULT '1', web_data text,
  UNIQUE KEY analysis_idx (analysis_id)
);

CREATE TABLE assembly (
  asm_seq_region_id int unsigned NOT NULL, cmp_seq_region_id int unsigned NOT NULL, asm_start int NOT NULL,
  asm_end int NOT NULL, cmp_start int NOT NULL, cmp_end int NOT NULL, ori tinyint NOT NULL,
  UNIQUE KEY all_idx (asm_seq_region_id,cmp_seq_region_id,asm_start,asm_end,cmp_start,cmp_end,ori),
  KEY cmp_seq_region_idx (cmp_seq_region_id), KEY asm_seq_region_idx (asm_seq_region_id,asm_start)
);

CREATE TABLE assembly_exception (
  assembly_exception_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  exc_type enum('HAP','PAR','PATCH_FIX','PATCH_NOVEL') NOT NULL, exc_seq_region_id int unsigned NOT NULL,
  exc_seq_region_start int unsigned NOT NULL, exc_seq_region_end int unsigned NOT NULL, ori int NOT NULL,
  PRIMARY KEY (assembly_exception_id), KEY sr_idx (seq_region_id,seq_region_start),
  KEY ex_idx (exc_seq_region_id,exc_seq_region_start)
);

CREATE TABLE attrib_type (
  attrib_type_id smallint unsigned NOT NULL AUTO_INCREMENT, code varchar(20) NOT NULL DEFAULT '',
  name varchar(255) NOT NULL DEFAULT '', description text,
  PRIMARY KEY (attrib_type_id), UNIQUE KEY code_idx (code)
);

CREATE TABLE biotype (
  biotype_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(64) NOT NULL,
  object_type enum('gene','transcript') NOT NULL DEFAULT 'gene',
  db_type set('cdna','core','coreexpressionatlas','coreexpressionest','coreexpressiongnf','funcgen','otherfeatures','rnaseq','variation','vega','presite','sangervega') NOT NULL DEFAULT 'core',
  attrib_type_id int, description text,
  biotype_group enum('coding','pseudogene','snoncoding','lnoncoding','mnoncoding','LRG','undefined','no_group'),
  so_acc varchar(64), so_term varchar(1023),
  PRIMARY KEY (biotype_id), UNIQUE KEY name_type_idx (name,object_type)
);

CREATE TABLE coord_system (
  coord_system_id int unsigned NOT NULL AUTO_INCREMENT, species_id int unsigned NOT NULL DEFAULT '1',
  name varchar(40) NOT NULL, version varchar(255), rank int NOT NULL,
  attrib set('default_version','sequence_level'),
  PRIMARY KEY (coord_system_id), UNIQUE KEY rank_idx (rank,species_id),
  UNIQUE KEY name_idx (name,version,species_id), KEY species_idx (species_id)
);

CREATE TABLE density_feature (
  density_feature_id int unsigned NOT NULL AUTO_INCREMENT, density_type_id int unsigned NOT NULL,
  seq_region_id int unsigned NOT NULL, seq_region_start int unsigned NOT NULL,
  seq_region_end int unsigned NOT NULL, density_value float NOT NULL,
  PRIMARY KEY (density_feature_id), KEY seq_region_idx (density_type_id,seq_region_id,seq_region_start),
  KEY seq_region_id_idx (seq_region_id)
);

CREATE TABLE density_type (
  density_type_id int unsigned NOT NULL AUTO_INCREMENT, analysis_id smallint unsigned NOT NULL,
  block_size int NOT NULL, region_features int NOT NULL, value_type enum('sum','ratio') NOT NULL,
  PRIMARY KEY (density_type_id), UNIQUE KEY analysis_idx (analysis_id,block_size,region_features)
);

CREATE TABLE dependent_xref (
  object_xref_id int unsigned NOT NULL, master_xref_id int unsigned NOT NULL,
  dependent_xref_id int unsigned NOT NULL,
  PRIMARY KEY (object_xref_id), KEY dependent (dependent_xref_id), KEY master_idx (master_xref_id)
);

CREATE TABLE dna (
  seq_region_id int unsigned NOT NULL, sequence longtext NOT NULL,
  PRIMARY KEY (seq_region_id)
);

CREATE TABLE dna_align_feature (
  dna_align_feature_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, hit_start int NOT NULL, hit_end int NOT NULL, hit_strand tinyint NOT NULL,
  hit_name varchar(40) NOT NULL, analysis_id smallint unsigned NOT NULL, score double, evalue double,
  perc_ident float, cigar_line text, external_db_id int unsigned, hcoverage double,
  align_type enum('ensembl','cigar','vulgar','mdtag') DEFAULT 'ensembl',
  PRIMARY KEY (dna_align_feature_id), KEY seq_region_idx (seq_region_id,analysis_id,seq_region_start,score),
  KEY seq_region_idx_2 (seq_region_id,seq_region_start), KEY hit_idx (hit_name), KEY analysis_idx (analysis_id),
  KEY external_db_idx (external_db_id)
);

CREATE TABLE exon (
  exon_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, phase tinyint NOT NULL, end_phase tinyint NOT NULL,
  is_current tinyint NOT NULL DEFAULT '1', is_constitutive tinyint NOT NULL DEFAULT '0', stable_id varchar(128),
  version smallint unsigned, created_date datetime, modified_date datetime,
  PRIMARY KEY (exon_id), KEY seq_region_idx (seq_region_id,seq_region_start),
  KEY stable_id_idx (stable_id,version)
);

CREATE TABLE exon_transcript (
  exon_id int unsigned NOT NULL, transcript_id int unsigned NOT NULL, rank int NOT NULL,
  PRIMARY KEY (exon_id,transcript_id,rank), KEY transcript (transcript_id), KEY exon (exon_id)
);

CREATE TABLE external_db (
  external_db_id int unsigned NOT NULL AUTO_INCREMENT, db_name varchar(100) NOT NULL, db_release varchar(255),
  status enum('KNOWNXREF','KNOWN','XREF','PRED','ORTH','PSEUDO') NOT NULL, priority int NOT NULL,
  db_display_name varchar(255),
  type enum('ARRAY','ALT_TRANS','ALT_GENE','MISC','LIT','PRIMARY_DB_SYNONYM','ENSEMBL') NOT NULL,
  secondary_db_name varchar(255), secondary_db_table varchar(255), description text,
  PRIMARY KEY (external_db_id), UNIQUE KEY db_name_db_release_idx (db_name,db_release)
);

CREATE TABLE external_synonym (
  xref_id int unsigned NOT NULL, synonym varchar(100) NOT NULL,
  PRIMARY KEY (xref_id,synonym), KEY name_index (synonym)
);

CREATE TABLE gene (
  gene_id int unsigned NOT NULL AUTO_INCREMENT, biotype varchar(40) NOT NULL,
  analysis_id smallint unsigned NOT NULL, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, display_xref_id int unsigned, source varchar(40) NOT NULL, description text,
  is_current tinyint NOT NULL DEFAULT '1', canonical_transcript_id int unsigned NOT NULL, stable_id varchar(128),
  version smallint unsigned, created_date datetime, modified_date datetime,
  PRIMARY KEY (gene_id), KEY seq_region_idx (seq_region_id,seq_region_start), KEY xref_id_index (display_xref_id),
  KEY analysis_idx (analysis_id), KEY stable_id_idx (stable_id,version),
  KEY canonical_transcript_id_idx (canonical_transcript_id)
);

CREATE TABLE gene_archive (
  gene_stable_id varchar(128) NOT NULL, gene_version smallint NOT NULL DEFAULT '1',
  transcript_stable_id varchar(128) NOT NULL, transcript_version smallint NOT NULL DEFAULT '1',
  translation_stable_id varchar(128), translation_version smallint NOT NULL DEFAULT '1',
  peptide_archive_id int unsigned, mapping_session_id int unsigned NOT NULL,
  KEY peptide_archive_id_idx (peptide_archive_id), KEY gene_idx (gene_stable_id,gene_version),
  KEY transcript_idx (transcript_stable_id,transcript_version),
  KEY translation_idx (translation_stable_id,translation_version)
);

CREATE TABLE gene_attrib (
  gene_id int unsigned NOT NULL DEFAULT '0', attrib_type_id smallint unsigned NOT NULL DEFAULT '0',
  value text NOT NULL,
  UNIQUE KEY gene_attribx (gene_id,attrib_type_id,value(500)), KEY type_val_idx (attrib_type_id,value(40)),
  KEY val_only_idx (value(40)), KEY gene_idx (gene_id)
);

CREATE TABLE genome_statistics (
  genome_statistics_id int unsigned NOT NULL AUTO_INCREMENT, statistic varchar(128) NOT NULL,
  value bigint unsigned NOT NULL DEFAULT '0', species_id int unsigned DEFAULT '1', attrib_type_id int unsigned,
  timestamp datetime,
  PRIMARY KEY (genome_statistics_id), UNIQUE KEY stats_uniq (statistic,attrib_type_id,species_id)
);

CREATE TABLE identity_xref (
  object_xref_id int unsigned NOT NULL, xref_identity int, ensembl_identity int, xref_start int, xref_end int,
  ensembl_start int, ensembl_end int, cigar_line text, score double, evalue double,
  PRIMARY KEY (object_xref_id)
);

CREATE TABLE interpro (
  interpro_ac varchar(40) NOT NULL, id varchar(40) NOT NULL,
  UNIQUE KEY accession_idx (interpro_ac,id), KEY id_idx (id)
);

CREATE TABLE intron_supporting_evidence (
  intron_supporting_evidence_id int unsigned NOT NULL AUTO_INCREMENT, analysis_id smallint unsigned NOT NULL,
  seq_region_id int unsigned NOT NULL, seq_region_start int unsigned NOT NULL,
  seq_region_end int unsigned NOT NULL, seq_region_strand tinyint NOT NULL, hit_name varchar(100) NOT NULL,
  score decimal(10,3), score_type enum('NONE','DEPTH') DEFAULT 'NONE',
  is_splice_canonical tinyint NOT NULL DEFAULT '0',
  PRIMARY KEY (intron_supporting_evidence_id),
  UNIQUE KEY analysis_id (analysis_id,seq_region_id,seq_region_start,seq_region_end,seq_region_strand,hit_name),
  KEY seq_region_idx (seq_region_id,seq_region_start)
);

CREATE TABLE karyotype (
  karyotype_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL, band varchar(40),
  stain varchar(40),
  PRIMARY KEY (karyotype_id), KEY region_band_idx (seq_region_id,band)
);

CREATE TABLE map (
  map_id int unsigned NOT NULL AUTO_INCREMENT, map_name varchar(30) NOT NULL,
  PRIMARY KEY (map_id)
);

CREATE TABLE mapping_session (
  mapping_session_id int unsigned NOT NULL AUTO_INCREMENT, old_db_name varchar(80) NOT NULL DEFAULT '',
  new_db_name varchar(80) NOT NULL DEFAULT '', old_release varchar(5) NOT NULL DEFAULT '',
  new_release varchar(5) NOT NULL DEFAULT '', old_assembly varchar(80) NOT NULL DEFAULT '',
  new_assembly varchar(80) NOT NULL DEFAULT '', created datetime NOT NULL,
  PRIMARY KEY (mapping_session_id)
);

CREATE TABLE marker (
  marker_id int unsigned NOT NULL AUTO_INCREMENT, display_marker_synonym_id int unsigned,
  left_primer varchar(100) NOT NULL, right_primer varchar(100) NOT NULL, min_primer_dist int unsigned NOT NULL,
  max_primer_dist int unsigned NOT NULL, priority int, type enum('est','microsatellite'),
  PRIMARY KEY (marker_id), KEY marker_idx (marker_id,priority), KEY display_idx (display_marker_synonym_id)
);

CREATE TABLE marker_feature (
  marker_feature_id int unsigned NOT NULL AUTO_INCREMENT, marker_id int unsigned NOT NULL,
  seq_region_id int unsigned NOT NULL, seq_region_start int unsigned NOT NULL,
  seq_region_end int unsigned NOT NULL, analysis_id smallint unsigned NOT NULL, map_weight int unsigned,
  PRIMARY KEY (marker_feature_id), KEY seq_region_idx (seq_region_id,seq_region_start),
  KEY analysis_idx (analysis_id)
);

CREATE TABLE marker_map_location (
  marker_id int unsigned NOT NULL, map_id int unsigned NOT NULL, chromosome_name varchar(15) NOT NULL,
  marker_synonym_id int unsigned NOT NULL, position varchar(15) NOT NULL, lod_score double,
  PRIMARY KEY (marker_id,map_id), KEY map_idx (map_id,chromosome_name,position)
);

CREATE TABLE marker_synonym (
  marker_synonym_id int unsigned NOT NULL AUTO_INCREMENT, marker_id int unsigned NOT NULL, source varchar(20),
  name varchar(50),
  PRIMARY KEY (marker_synonym_id), KEY marker_synonym_idx (marker_synonym_id,name), KEY marker_idx (marker_id)
);

CREATE TABLE meta (
  meta_id int NOT NULL AUTO_INCREMENT, species_id int unsigned DEFAULT '1', meta_key varchar(64) NOT NULL,
  meta_value varchar(255) NOT NULL,
  PRIMARY KEY (meta_id), UNIQUE KEY species_key_value_idx (species_id,meta_key,meta_value),
  KEY species_value_idx (species_id,meta_value)
);

CREATE TABLE meta_coord (
  table_name varchar(40) NOT NULL, coord_system_id int unsigned NOT NULL, max_length int,
  UNIQUE KEY cs_table_name_idx (coord_system_id,table_name)
);

CREATE TABLE misc_attrib (
  misc_feature_id int unsigned NOT NULL DEFAULT '0', attrib_type_id smallint unsigned NOT NULL DEFAULT '0',
  value text NOT NULL,
  UNIQUE KEY misc_attribx (misc_feature_id,attrib_type_id,value(500)),
  KEY type_val_idx (attrib_type_id,value(40)), KEY val_only_idx (value(40)),
  KEY misc_feature_idx (misc_feature_id)
);

CREATE TABLE misc_feature (
  misc_feature_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL DEFAULT '0',
  seq_region_start int unsigned NOT NULL DEFAULT '0', seq_region_end int unsigned NOT NULL DEFAULT '0',
  seq_region_strand tinyint NOT NULL DEFAULT '0',
  PRIMARY KEY (misc_feature_id), KEY seq_region_idx (seq_region_id,seq_region_start)
);

CREATE TABLE misc_feature_misc_set (
  misc_feature_id int unsigned NOT NULL DEFAULT '0', misc_set_id smallint unsigned NOT NULL DEFAULT '0',
  PRIMARY KEY (misc_feature_id,misc_set_id), KEY reverse_idx (misc_set_id,misc_feature_id)
);

CREATE TABLE misc_set (
  misc_set_id smallint unsigned NOT NULL AUTO_INCREMENT, code varchar(25) NOT NULL DEFAULT '',
  name varchar(255) NOT NULL DEFAULT '', description text NOT NULL, max_length int unsigned NOT NULL,
  PRIMARY KEY (misc_set_id), UNIQUE KEY code_idx (code)
);

CREATE TABLE object_xref (
  object_xref_id int unsigned NOT NULL AUTO_INCREMENT, ensembl_id int unsigned NOT NULL,
  ensembl_object_type enum('RawContig','Transcript','Gene','Translation','Operon','OperonTranscript','Marker','RNAProduct') NOT NULL,
  xref_id int unsigned NOT NULL, linkage_annotation varchar(255), analysis_id smallint unsigned,
  PRIMARY KEY (object_xref_id), UNIQUE KEY xref_idx (xref_id,ensembl_object_type,ensembl_id),
  KEY analysis_idx (analysis_id), KEY ensembl_idx (ensembl_object_type,ensembl_id)
);

CREATE TABLE ontology_xref (
  object_xref_id int unsigned NOT NULL DEFAULT '0', source_xref_id int unsigned, linkage_type varchar(3),
  UNIQUE KEY object_source_type_idx (object_xref_id,source_xref_id,linkage_type(1)),
  KEY source_idx (source_xref_id), KEY object_idx (object_xref_id)
);

CREATE TABLE operon (
  operon_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, display_label varchar(255), analysis_id smallint unsigned NOT NULL,
  stable_id varchar(128), version smallint unsigned, created_date datetime, modified_date datetime,
  PRIMARY KEY (operon_id), KEY seq_region_idx (seq_region_id,seq_region_start), KEY name_idx (display_label),
  KEY stable_id_idx (stable_id,version)
);

CREATE TABLE operon_transcript (
  operon_transcript_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, operon_id int unsigned NOT NULL, display_label varchar(255),
  analysis_id smallint unsigned NOT NULL, stable_id varchar(128), version smallint unsigned,
  created_date datetime, modified_date datetime,
  PRIMARY KEY (operon_transcript_id), KEY operon_idx (operon_id),
  KEY seq_region_idx (seq_region_id,seq_region_start), KEY stable_id_idx (stable_id,version)
);

CREATE TABLE operon_transcript_gene (
  operon_transcript_id int unsigned, gene_id int unsigned,
  KEY operon_transcript_gene_idx (operon_transcript_id,gene_id)
);

CREATE TABLE peptide_archive (
  peptide_archive_id int unsigned NOT NULL AUTO_INCREMENT, md5_checksum varchar(32),
  peptide_seq mediumtext NOT NULL,
  PRIMARY KEY (peptide_archive_id), KEY checksum (md5_checksum)
);

CREATE TABLE prediction_exon (
  prediction_exon_id int unsigned NOT NULL AUTO_INCREMENT, prediction_transcript_id int unsigned NOT NULL,
  exon_rank smallint unsigned NOT NULL, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, start_phase tinyint NOT NULL, score double, p_value double,
  PRIMARY KEY (prediction_exon_id), KEY transcript_idx (prediction_transcript_id),
  KEY seq_region_idx (seq_region_id,seq_region_start)
);

CREATE TABLE prediction_transcript (
  prediction_transcript_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, analysis_id smallint unsigned NOT NULL, display_label varchar(255),
  PRIMARY KEY (prediction_transcript_id), KEY analysis_idx (analysis_id),
  KEY seq_region_idx (seq_region_id,seq_region_start)
);

CREATE TABLE protein_align_feature (
  protein_align_feature_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL DEFAULT '1', hit_start int NOT NULL, hit_end int NOT NULL,
  hit_name varchar(40) NOT NULL, analysis_id smallint unsigned NOT NULL, score double, evalue double,
  perc_ident float, cigar_line text, external_db_id int unsigned, hcoverage double,
  align_type enum('ensembl','cigar','vulgar','mdtag') DEFAULT 'ensembl',
  PRIMARY KEY (protein_align_feature_id), KEY seq_region_idx (seq_region_id,analysis_id,seq_region_start,score),
  KEY seq_region_idx_2 (seq_region_id,seq_region_start), KEY hit_idx (hit_name), KEY analysis_idx (analysis_id),
  KEY external_db_idx (external_db_id)
);

CREATE TABLE protein_feature (
  protein_feature_id int unsigned NOT NULL AUTO_INCREMENT, translation_id int unsigned NOT NULL,
  seq_start int NOT NULL, seq_end int NOT NULL, hit_start int NOT NULL, hit_end int NOT NULL,
  hit_name varchar(40) NOT NULL, analysis_id smallint unsigned NOT NULL, score double, evalue double,
  perc_ident float, external_data text, hit_description text, cigar_line text,
  align_type enum('ensembl','cigar','cigarplus','vulgar','mdtag'),
  PRIMARY KEY (protein_feature_id),
  UNIQUE KEY aln_idx (translation_id,hit_name,seq_start,seq_end,hit_start,hit_end), KEY hitname_idx (hit_name),
  KEY analysis_idx (analysis_id), KEY translation_idx (translation_id)
);

CREATE TABLE repeat_consensus (
  repeat_consensus_id int unsigned NOT NULL AUTO_INCREMENT, repeat_name varchar(255) NOT NULL,
  repeat_class varchar(100) NOT NULL, repeat_type varchar(40) NOT NULL, repeat_consensus text,
  PRIMARY KEY (repeat_consensus_id), KEY name (repeat_name), KEY class (repeat_class),
  KEY consensus (repeat_consensus(10)), KEY type (repeat_type)
);

CREATE TABLE repeat_feature (
  repeat_feature_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL DEFAULT '1', repeat_start int NOT NULL, repeat_end int NOT NULL,
  repeat_consensus_id int unsigned NOT NULL, analysis_id smallint unsigned NOT NULL, score double,
  PRIMARY KEY (repeat_feature_id), KEY seq_region_idx (seq_region_id,seq_region_start),
  KEY repeat_idx (repeat_consensus_id), KEY analysis_idx (analysis_id)
);

CREATE TABLE seq_region (
  seq_region_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(255) NOT NULL,
  coord_system_id int unsigned NOT NULL, length int unsigned NOT NULL,
  PRIMARY KEY (seq_region_id), UNIQUE KEY name_cs_idx (name,coord_system_id), KEY cs_idx (coord_system_id)
);

CREATE TABLE seq_region_attrib (
  seq_region_id int unsigned NOT NULL DEFAULT '0', attrib_type_id smallint unsigned NOT NULL DEFAULT '0',
  value text NOT NULL,
  UNIQUE KEY region_attribx (seq_region_id,attrib_type_id,value(500)),
  KEY type_val_idx (attrib_type_id,value(40)), KEY val_only_idx (value(40)), KEY seq_region_idx (seq_region_id)
);

CREATE TABLE seq_region_synonym (
  seq_region_synonym_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  synonym varchar(250) NOT NULL, external_db_id int unsigned,
  PRIMARY KEY (seq_region_synonym_id), UNIQUE KEY syn_idx (synonym,seq_region_id),
  KEY seq_region_idx (seq_region_id)
);

CREATE TABLE simple_feature (
  simple_feature_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, display_label varchar(255) NOT NULL, analysis_id smallint unsigned NOT NULL,
  score double,
  PRIMARY KEY (simple_feature_id), KEY seq_region_idx (seq_region_id,seq_region_start),
  KEY analysis_idx (analysis_id), KEY hit_idx (display_label)
);

CREATE TABLE stable_id_event (
  old_stable_id varchar(128), old_version smallint, new_stable_id varchar(128), new_version smallint,
  mapping_session_id int unsigned NOT NULL DEFAULT '0',
  type enum('gene','transcript','translation','rnaproduct') NOT NULL, score float NOT NULL DEFAULT '0',
  UNIQUE KEY uni_idx (mapping_session_id,old_stable_id,new_stable_id,type), KEY new_idx (new_stable_id),
  KEY old_idx (old_stable_id)
);

CREATE TABLE supporting_feature (
  exon_id int unsigned NOT NULL DEFAULT '0', feature_type enum('dna_align_feature','protein_align_feature'),
  feature_id int unsigned NOT NULL DEFAULT '0',
  UNIQUE KEY all_idx (exon_id,feature_type,feature_id), KEY feature_idx (feature_type,feature_id)
);

CREATE TABLE transcript (
  transcript_id int unsigned NOT NULL AUTO_INCREMENT, gene_id int unsigned,
  analysis_id smallint unsigned NOT NULL, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, display_xref_id int unsigned, source varchar(40) NOT NULL DEFAULT 'ensembl',
  biotype varchar(40) NOT NULL, description text, is_current tinyint NOT NULL DEFAULT '1',
  canonical_translation_id int unsigned, stable_id varchar(128), version smallint unsigned, created_date datetime,
  modified_date datetime,
  PRIMARY KEY (transcript_id), UNIQUE KEY canonical_translation_idx (canonical_translation_id),
  KEY seq_region_idx (seq_region_id,seq_region_start), KEY gene_index (gene_id),
  KEY xref_id_index (display_xref_id), KEY analysis_idx (analysis_id), KEY stable_id_idx (stable_id,version)
);

CREATE TABLE transcript_attrib (
  transcript_id int unsigned NOT NULL DEFAULT '0', attrib_type_id smallint unsigned NOT NULL DEFAULT '0',
  value text NOT NULL,
  UNIQUE KEY transcript_attribx (transcript_id,attrib_type_id,value(500)),
  KEY type_val_idx (attrib_type_id,value(40)), KEY val_only_idx (value(40)), KEY transcript_idx (transcript_id)
);

CREATE TABLE transcript_intron_supporting_evidence (
  transcript_id int unsigned NOT NULL, intron_supporting_evidence_id int unsigned NOT NULL,
  previous_exon_id int unsigned NOT NULL, next_exon_id int unsigned NOT NULL,
  PRIMARY KEY (intron_supporting_evidence_id,transcript_id), KEY transcript_idx (transcript_id)
);

CREATE TABLE transcript_supporting_feature (
  transcript_id int unsigned NOT NULL DEFAULT '0', feature_type enum('dna_align_feature','protein_align_feature'),
  feature_id int unsigned NOT NULL DEFAULT '0',
  UNIQUE KEY all_idx (transcript_id,feature_type,feature_id), KEY feature_idx (feature_type,feature_id)
);

CREATE TABLE translation (
  translation_id int unsigned NOT NULL AUTO_INCREMENT, transcript_id int unsigned NOT NULL,
  seq_start int NOT NULL, start_exon_id int unsigned NOT NULL, seq_end int NOT NULL,
  end_exon_id int unsigned NOT NULL, stable_id varchar(128), version smallint unsigned, created_date datetime,
  modified_date datetime,
  PRIMARY KEY (translation_id), KEY transcript_idx (transcript_id), KEY stable_id_idx (stable_id,version)
);

CREATE TABLE translation_attrib (
  translation_id int unsigned NOT NULL DEFAULT '0', attrib_type_id smallint unsigned NOT NULL DEFAULT '0',
  value text NOT NULL,
  UNIQUE KEY translation_attribx (translation_id,attrib_type_id,value(500)),
  KEY type_val_idx (attrib_type_id,value(40)), KEY val_only_idx (value(40)), KEY translation_idx (translation_id)
);

CREATE TABLE xref (
  xref_id int unsigned NOT NULL AUTO_INCREMENT, external_db_id int unsigned NOT NULL,
  dbprimary_acc varchar(512) NOT NULL, display_label varchar(512) NOT NULL, version varchar(10), description text,
  info_type enum('NONE','PROJECTION','MISC','DEPENDENT','DIRECT','SEQUENCE_MATCH','INFERRED_PAIR','PROBE','UNMAPPED','COORDINATE_OVERLAP','CHECKSUM') NOT NULL DEFAULT 'NONE',
  info_text varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (xref_id), UNIQUE KEY id_index (dbprimary_acc,external_db_id,info_type,info_text,version),
  KEY display_index (display_label), KEY info_type_idx (info_type)
);
