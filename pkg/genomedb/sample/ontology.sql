-- The tables of an Ensembl ontology database, schema version 115, that the API reads.
-- Names and types follow Ensembl's schema (Apache License 2.0), so that the
-- same queries run on the sample and on Ensembl's own databases.

CREATE TABLE alt_id (
  alt_id int unsigned NOT NULL AUTO_INCREMENT, term_id int unsigned NOT NULL, accession varchar(64) NOT NULL,
  PRIMARY KEY (alt_id), UNIQUE KEY term_alt_idx (term_id,alt_id), KEY accession_idx (accession(50))
);

CREATE TABLE closure (
  closure_id int unsigned NOT NULL AUTO_INCREMENT, child_term_id int unsigned NOT NULL,
  parent_term_id int unsigned NOT NULL, subparent_term_id int unsigned, distance tinyint unsigned NOT NULL,
  ontology_id int unsigned NOT NULL, confident_relationship tinyint NOT NULL DEFAULT '0',
  PRIMARY KEY (closure_id), UNIQUE KEY child_parent_idx (child_term_id,parent_term_id,subparent_term_id,ontology_id),
  KEY parent_subparent_idx (parent_term_id,subparent_term_id)
);

CREATE TABLE meta (
  meta_id int unsigned NOT NULL AUTO_INCREMENT, meta_key varchar(64) NOT NULL, meta_value varchar(128),
  species_id int unsigned,
  PRIMARY KEY (meta_id), UNIQUE KEY key_value_idx (meta_key,meta_value)
);

CREATE TABLE ontology (
  ontology_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(64) NOT NULL, namespace varchar(64) NOT NULL,
  data_version varchar(64),
  PRIMARY KEY (ontology_id), UNIQUE KEY name_namespace_idx (name,namespace)
);

CREATE TABLE relation (
  relation_id int unsigned NOT NULL AUTO_INCREMENT, child_term_id int unsigned NOT NULL,
  parent_term_id int unsigned NOT NULL, relation_type_id int unsigned NOT NULL,
  intersection_of tinyint unsigned NOT NULL DEFAULT '0', ontology_id int unsigned NOT NULL,
  PRIMARY KEY (relation_id),
  UNIQUE KEY child_parent_idx (child_term_id,parent_term_id,relation_type_id,intersection_of,ontology_id),
  KEY parent_idx (parent_term_id)
);

CREATE TABLE relation_type (
  relation_type_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(64) NOT NULL,
  PRIMARY KEY (relation_type_id), UNIQUE KEY name_idx (name)
);

CREATE TABLE synonym (
  synonym_id int unsigned NOT NULL AUTO_INCREMENT, term_id int unsigned NOT NULL, name mediumtext NOT NULL,
  type enum('EXACT','BROAD','NARROW','RELATED'), dbxref varchar(256) NOT NULL DEFAULT '',
  PRIMARY KEY (synonym_id), UNIQUE KEY term_synonym_idx (term_id,synonym_id), KEY name_idx (name(50))
);

CREATE TABLE term (
  term_id int unsigned NOT NULL AUTO_INCREMENT, ontology_id int unsigned NOT NULL, subsets text,
  accession varchar(64) NOT NULL, name varchar(255) NOT NULL, definition text,
  is_root int NOT NULL DEFAULT '0', is_obsolete int NOT NULL DEFAULT '0',
  PRIMARY KEY (term_id), UNIQUE KEY accession_idx (accession), UNIQUE KEY ontology_acc_idx (ontology_id,accession),
  KEY name_idx (name)
);
