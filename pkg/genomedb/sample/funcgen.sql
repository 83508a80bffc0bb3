-- The tables of an Ensembl regulation database (funcgen), schema version 115,
-- that the API reads. Names and types follow Ensembl's schema (Apache License
-- 2.0).

CREATE TABLE analysis (
  analysis_id smallint unsigned NOT NULL AUTO_INCREMENT, created datetime, logic_name varchar(100) NOT NULL, db varchar(120),
  db_version varchar(40), db_file varchar(120), program varchar(80), program_version varchar(40), program_file varchar(80),
  parameters text, module varchar(80), module_version varchar(40), gff_source varchar(40), gff_feature varchar(40),
  PRIMARY KEY (analysis_id), UNIQUE KEY logic_name_idx (logic_name)
);

CREATE TABLE analysis_description (
  analysis_id smallint unsigned NOT NULL, description text, display_label varchar(255) NOT NULL,
  displayable tinyint NOT NULL DEFAULT '1', web_data text,
  UNIQUE KEY analysis_idx (analysis_id)
);

CREATE TABLE binding_matrix (
  binding_matrix_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(200) NOT NULL, threshold double, source varchar(20) NOT NULL,
  stable_id varchar(128) NOT NULL,
  PRIMARY KEY (binding_matrix_id), UNIQUE KEY name_idx (name)
);

CREATE TABLE binding_matrix_transcription_factor_complex (
  binding_matrix_transcription_factor_complex_id int NOT NULL AUTO_INCREMENT, binding_matrix_id int unsigned NOT NULL,
  transcription_factor_complex_id int NOT NULL,
  PRIMARY KEY (binding_matrix_transcription_factor_complex_id), KEY binding_matrix_id_idx (binding_matrix_id)
);

CREATE TABLE epigenome (
  epigenome_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(120) NOT NULL, short_name varchar(120) NOT NULL, description mediumtext,
  production_name varchar(120), gender enum('male','female','hermaphrodite','mixed','unknown') DEFAULT 'unknown', search_terms mediumtext,
  full_name mediumtext,
  PRIMARY KEY (epigenome_id), UNIQUE KEY name_idx (name)
);

CREATE TABLE external_db (
  external_db_id int unsigned NOT NULL AUTO_INCREMENT, db_name varchar(100) NOT NULL, db_release varchar(255),
  status enum('KNOWNXREF','KNOWN','XREF','PRED','ORTH','PSEUDO') NOT NULL, priority int NOT NULL, db_display_name varchar(255),
  type enum('ARRAY','ALT_TRANS','ALT_GENE','MISC','LIT','PRIMARY_DB_SYNONYM','ENSEMBL'), secondary_db_name varchar(255),
  secondary_db_table varchar(255), description text,
  PRIMARY KEY (external_db_id)
);

CREATE TABLE external_synonym (
  xref_id int unsigned NOT NULL, synonym varchar(100) NOT NULL,
  PRIMARY KEY (xref_id,synonym), KEY name_index (synonym)
);

CREATE TABLE feature_type (
  feature_type_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(40) NOT NULL,
  class enum('Regulatory Feature','Transcription Factor'), analysis_id smallint unsigned, description varchar(255), so_accession varchar(64),
  so_term varchar(255), production_name varchar(120),
  PRIMARY KEY (feature_type_id)
);

CREATE TABLE identity_xref (
  object_xref_id int unsigned NOT NULL, xref_identity int, ensembl_identity int, xref_start int, xref_end int, ensembl_start int,
  ensembl_end int, cigar_line text, score double, evalue double,
  PRIMARY KEY (object_xref_id)
);

CREATE TABLE meta (
  meta_id int NOT NULL AUTO_INCREMENT, species_id int unsigned DEFAULT '1', meta_key varchar(46) NOT NULL, meta_value varchar(950) NOT NULL,
  PRIMARY KEY (meta_id), UNIQUE KEY species_key_value_idx (species_id,meta_key,meta_value)
);

CREATE TABLE meta_coord (
  table_name varchar(40) NOT NULL, coord_system_id int unsigned NOT NULL, max_length int,
  UNIQUE KEY table_name (table_name,coord_system_id)
);

CREATE TABLE motif_feature (
  motif_feature_id int unsigned NOT NULL AUTO_INCREMENT, binding_matrix_id int unsigned NOT NULL, seq_region_id int unsigned NOT NULL,
  seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL, seq_region_strand tinyint NOT NULL, score double,
  stable_id varchar(18),
  PRIMARY KEY (motif_feature_id), UNIQUE KEY stable_id_idx (stable_id), KEY seq_region_idx (seq_region_id,seq_region_start)
);

CREATE TABLE motif_feature_regulatory_feature (
  motif_feature_regulatory_feature_id int NOT NULL AUTO_INCREMENT, motif_feature_id int unsigned NOT NULL,
  regulatory_feature_id int unsigned NOT NULL, epigenome_id int unsigned, has_matching_Peak tinyint unsigned DEFAULT '0',
  PRIMARY KEY (motif_feature_regulatory_feature_id), KEY motif_feature_idx (motif_feature_id)
);

CREATE TABLE object_xref (
  object_xref_id int unsigned NOT NULL AUTO_INCREMENT, ensembl_id int unsigned NOT NULL,
  ensembl_object_type enum('Epigenome','Experiment','RegulatoryFeature','ProbeSet','Probe','ProbeFeature','FeatureType') NOT NULL,
  xref_id int unsigned NOT NULL, linkage_annotation varchar(255), analysis_id smallint unsigned,
  PRIMARY KEY (object_xref_id), KEY xref_idx (xref_id,ensembl_object_type,ensembl_id), KEY ensembl_idx (ensembl_object_type,ensembl_id)
);

CREATE TABLE regulatory_activity (
  regulatory_activity_id int unsigned NOT NULL AUTO_INCREMENT, regulatory_feature_id int unsigned,
  activity enum('INACTIVE','REPRESSED','POISED','ACTIVE','NA') NOT NULL, epigenome_id int unsigned,
  PRIMARY KEY (regulatory_activity_id), KEY regulatory_feature_idx (regulatory_feature_id)
);

CREATE TABLE regulatory_build (
  regulatory_build_id int unsigned NOT NULL AUTO_INCREMENT, name text, release_version int, description text, version varchar(50),
  initial_release_date varchar(50), last_annotation_update varchar(50), feature_type_id int unsigned NOT NULL,
  analysis_id smallint unsigned NOT NULL, is_current tinyint NOT NULL DEFAULT '0', sample_regulatory_feature_id int unsigned,
  PRIMARY KEY (regulatory_build_id)
);

CREATE TABLE regulatory_feature (
  regulatory_feature_id int unsigned NOT NULL AUTO_INCREMENT, feature_type_id int unsigned, seq_region_id int unsigned NOT NULL,
  seq_region_strand tinyint NOT NULL, seq_region_start int unsigned NOT NULL, seq_region_end int unsigned NOT NULL, stable_id varchar(18),
  bound_start_length mediumint unsigned NOT NULL, bound_end_length mediumint unsigned NOT NULL, epigenome_count smallint,
  regulatory_build_id int unsigned,
  PRIMARY KEY (regulatory_feature_id), KEY stable_id_idx (stable_id)
);

CREATE TABLE transcription_factor (
  transcription_factor_id int NOT NULL AUTO_INCREMENT, name varchar(120) NOT NULL, feature_type_id int unsigned, gene_stable_id varchar(128),
  PRIMARY KEY (transcription_factor_id)
);

CREATE TABLE transcription_factor_complex (
  transcription_factor_complex_id int NOT NULL AUTO_INCREMENT, production_name varchar(120) NOT NULL, display_name varchar(120) NOT NULL,
  PRIMARY KEY (transcription_factor_complex_id)
);

CREATE TABLE transcription_factor_complex_composition (
  transcription_factor_complex_composition_id int NOT NULL AUTO_INCREMENT, transcription_factor_complex_id int NOT NULL,
  transcription_factor_id int NOT NULL,
  PRIMARY KEY (transcription_factor_complex_composition_id), KEY transcription_factor_complex_id_idx (transcription_factor_complex_id)
);

CREATE TABLE xref (
  xref_id int unsigned NOT NULL AUTO_INCREMENT, external_db_id int unsigned, dbprimary_acc varchar(512) NOT NULL,
  display_label varchar(512) NOT NULL, version varchar(10) NOT NULL DEFAULT '0', description text,
  info_type enum('NONE','PROJECTION','MISC','DEPENDENT','DIRECT','SEQUENCE_MATCH','INFERRED_PAIR','PROBE','UNMAPPED','COORDINATE_OVERLAP','CHECKSUM') NOT NULL DEFAULT 'NONE',
  info_text varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (xref_id), KEY display_index (display_label)
);
