-- The tables of an Ensembl variation database, schema version 115, that the API
-- reads. Names and types follow Ensembl's schema (Apache License 2.0).

CREATE TABLE associate_study (
  study1_id int unsigned NOT NULL, study2_id int unsigned NOT NULL,
  PRIMARY KEY (study1_id,study2_id)
);

CREATE TABLE attrib (
  attrib_id int unsigned NOT NULL AUTO_INCREMENT, attrib_type_id smallint unsigned NOT NULL DEFAULT '0', value text NOT NULL,
  PRIMARY KEY (attrib_id), KEY type_idx (attrib_type_id)
);

CREATE TABLE attrib_type (
  attrib_type_id smallint unsigned NOT NULL AUTO_INCREMENT, code varchar(20) NOT NULL DEFAULT '',
  name varchar(255) NOT NULL DEFAULT '', description text,
  PRIMARY KEY (attrib_type_id), UNIQUE KEY code_idx (code)
);

CREATE TABLE failed_structural_variation (
  failed_structural_variation_id int unsigned NOT NULL AUTO_INCREMENT, structural_variation_id int unsigned NOT NULL,
  failed_description_id int unsigned NOT NULL,
  PRIMARY KEY (failed_structural_variation_id), UNIQUE KEY structural_variation_idx (structural_variation_id,failed_description_id)
);

CREATE TABLE meta (
  meta_id int unsigned NOT NULL AUTO_INCREMENT, species_id int unsigned DEFAULT '1', meta_key varchar(40) NOT NULL,
  meta_value varchar(255) NOT NULL,
  PRIMARY KEY (meta_id), UNIQUE KEY species_key_value_idx (species_id,meta_key,meta_value)
);

CREATE TABLE meta_coord (
  table_name varchar(40) NOT NULL, coord_system_id int unsigned NOT NULL, max_length int,
  UNIQUE KEY table_name (table_name,coord_system_id)
);

CREATE TABLE phenotype (
  phenotype_id int unsigned NOT NULL AUTO_INCREMENT, stable_id varchar(255), name varchar(50), description varchar(255),
  class_attrib_id int,
  PRIMARY KEY (phenotype_id), KEY name_idx (name)
);

CREATE TABLE phenotype_feature (
  phenotype_feature_id int unsigned NOT NULL AUTO_INCREMENT, phenotype_id int unsigned, source_id int unsigned, study_id int unsigned,
  type enum('Gene','Variation','StructuralVariation','SupportingStructuralVariation','QTL','RegulatoryFeature'), object_id varchar(255),
  is_significant tinyint unsigned DEFAULT '1', seq_region_id int unsigned, seq_region_start int unsigned, seq_region_end int unsigned,
  seq_region_strand tinyint,
  PRIMARY KEY (phenotype_feature_id), KEY object_idx (object_id,type), KEY pos_idx (seq_region_id,seq_region_start,seq_region_end)
);

CREATE TABLE phenotype_feature_attrib (
  phenotype_feature_id int unsigned NOT NULL, attrib_type_id int, value varchar(255),
  KEY phenotype_feature_idx (phenotype_feature_id)
);

CREATE TABLE phenotype_ontology_accession (
  phenotype_id int unsigned NOT NULL, accession varchar(255) NOT NULL, mapped_by_attrib set('437'), mapping_type enum('is','involves'),
  PRIMARY KEY (phenotype_id,accession)
);

CREATE TABLE protein_function_predictions (
  translation_md5_id int unsigned NOT NULL, analysis_attrib_id int unsigned NOT NULL, prediction_matrix mediumblob,
  PRIMARY KEY (translation_md5_id,analysis_attrib_id)
);

CREATE TABLE source (
  source_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(24) NOT NULL, version int, description varchar(400), url varchar(255),
  type enum('chip','lsdb'), somatic_status enum('germline','somatic','mixed') DEFAULT 'germline', data_types varchar(255),
  PRIMARY KEY (source_id)
);

CREATE TABLE structural_variation (
  structural_variation_id int unsigned NOT NULL AUTO_INCREMENT, variation_name varchar(255), source_id int unsigned NOT NULL,
  study_id int unsigned, class_attrib_id int unsigned NOT NULL DEFAULT '0', is_evidence tinyint DEFAULT '0', somatic tinyint NOT NULL DEFAULT '0',
  PRIMARY KEY (structural_variation_id), UNIQUE KEY variation_name (variation_name)
);

CREATE TABLE structural_variation_feature (
  structural_variation_feature_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL, outer_start int,
  seq_region_start int NOT NULL, inner_start int, inner_end int, seq_region_end int NOT NULL, outer_end int,
  seq_region_strand tinyint NOT NULL, structural_variation_id int unsigned NOT NULL, variation_name varchar(255),
  source_id int unsigned NOT NULL, study_id int unsigned, class_attrib_id int unsigned NOT NULL DEFAULT '0', allele_string longtext,
  is_evidence tinyint NOT NULL DEFAULT '0', somatic tinyint NOT NULL DEFAULT '0', breakpoint_order tinyint, length int,
  allele_freq float, allele_count int unsigned,
  PRIMARY KEY (structural_variation_feature_id), KEY pos_idx (seq_region_id,seq_region_start,seq_region_end)
);

CREATE TABLE study (
  study_id int unsigned NOT NULL AUTO_INCREMENT, source_id int unsigned NOT NULL, name varchar(255), description text, url varchar(255),
  external_reference varchar(255), study_type varchar(255),
  PRIMARY KEY (study_id)
);

CREATE TABLE transcript_variation (
  transcript_variation_id bigint unsigned NOT NULL AUTO_INCREMENT, variation_feature_id int unsigned NOT NULL,
  feature_stable_id varchar(128), allele_string text, somatic tinyint NOT NULL DEFAULT '0',
  consequence_types set('coding_sequence_variant','missense_variant','stop_gained','synonymous_variant','inframe_deletion'),
  cds_start int unsigned, cds_end int unsigned, cdna_start int unsigned, cdna_end int unsigned, translation_start int unsigned,
  translation_end int unsigned, distance_to_transcript int unsigned, codon_allele_string text, pep_allele_string text, hgvs_genomic text,
  hgvs_transcript text, hgvs_protein text, polyphen_prediction enum('unknown','benign','possibly damaging','probably damaging'),
  polyphen_score float, sift_prediction enum('tolerated','deleterious','tolerated - low confidence','deleterious - low confidence'),
  sift_score float, display int DEFAULT '1',
  PRIMARY KEY (transcript_variation_id), KEY variation_feature_idx (variation_feature_id),
  KEY somatic_feature_idx (feature_stable_id,somatic)
);

CREATE TABLE translation_md5 (
  translation_md5_id int NOT NULL AUTO_INCREMENT, translation_md5 char(32) NOT NULL,
  PRIMARY KEY (translation_md5_id), UNIQUE KEY md5_idx (translation_md5)
);

CREATE TABLE variation (
  variation_id int unsigned NOT NULL AUTO_INCREMENT, source_id int unsigned NOT NULL, name varchar(255), flipped tinyint unsigned,
  class_attrib_id int unsigned DEFAULT '0', somatic tinyint NOT NULL DEFAULT '0', minor_allele varchar(50), minor_allele_freq float,
  minor_allele_count int unsigned, clinical_significance set('benign','likely benign','likely pathogenic','pathogenic','drug response'),
  evidence_attribs set('1','2'), display int DEFAULT '1',
  PRIMARY KEY (variation_id), UNIQUE KEY name (name)
);

CREATE TABLE variation_feature (
  variation_feature_id int unsigned NOT NULL AUTO_INCREMENT, seq_region_id int unsigned NOT NULL, seq_region_start int NOT NULL,
  seq_region_end int NOT NULL, seq_region_strand tinyint NOT NULL, variation_id int unsigned NOT NULL, allele_string varchar(50000),
  ancestral_allele varchar(50), variation_name varchar(255), map_weight int NOT NULL, flags set('genotyped'), source_id int unsigned NOT NULL,
  consequence_types set('intergenic_variant','coding_sequence_variant','missense_variant','stop_gained','synonymous_variant','inframe_deletion') NOT NULL DEFAULT 'intergenic_variant',
  variation_set_id set('1','2') NOT NULL DEFAULT '', class_attrib_id int unsigned DEFAULT '0', somatic tinyint NOT NULL DEFAULT '0',
  minor_allele varchar(50), minor_allele_freq float, minor_allele_count int unsigned, alignment_quality double,
  clinical_significance set('benign','likely benign','likely pathogenic','pathogenic','drug response'), evidence_attribs set('1','2'),
  display int DEFAULT '1',
  PRIMARY KEY (variation_feature_id), KEY pos_idx (seq_region_id,seq_region_start,seq_region_end), KEY variation_idx (variation_id)
);

CREATE TABLE variation_set (
  variation_set_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(255), description text, short_name_attrib_id int unsigned,
  PRIMARY KEY (variation_set_id), KEY name_idx (name)
);

CREATE TABLE variation_set_structure (
  variation_set_super int unsigned NOT NULL, variation_set_sub int unsigned NOT NULL,
  PRIMARY KEY (variation_set_super,variation_set_sub)
);

CREATE TABLE individual (
  individual_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(255), description text,
  gender enum('Male','Female','Unknown') NOT NULL DEFAULT 'Unknown', individual_type_id int unsigned NOT NULL DEFAULT '0',
  PRIMARY KEY (individual_id)
);

CREATE TABLE individual_type (
  individual_type_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(255) NOT NULL, description text,
  PRIMARY KEY (individual_type_id)
);

CREATE TABLE population (
  population_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(255), size int, description text,
  display enum('LD','MARTDISPLAYABLE','UNDISPLAYABLE') DEFAULT 'UNDISPLAYABLE',
  PRIMARY KEY (population_id), KEY name_idx (name)
);

CREATE TABLE sample (
  sample_id int unsigned NOT NULL AUTO_INCREMENT, individual_id int unsigned NOT NULL, name varchar(255),
  PRIMARY KEY (sample_id), KEY individual_idx (individual_id)
);

CREATE TABLE sample_population (
  sample_id int unsigned NOT NULL, population_id int unsigned NOT NULL,
  KEY population_idx (population_id), KEY sample_idx (sample_id)
);
