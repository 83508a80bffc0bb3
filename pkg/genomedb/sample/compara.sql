-- The tables of an Ensembl comparative genomics database, schema version 115, that the API reads.
-- Names and types follow Ensembl's schema (Apache License 2.0), so that the
-- same queries run on the sample and on Ensembl's own databases.

CREATE TABLE genome_db (
  genome_db_id int unsigned NOT NULL AUTO_INCREMENT, taxon_id int unsigned, name varchar(128) NOT NULL DEFAULT '',
  assembly varchar(100) NOT NULL DEFAULT '',
  PRIMARY KEY (genome_db_id), KEY taxon_id (taxon_id)
);

CREATE TABLE meta (
  meta_id int NOT NULL AUTO_INCREMENT, species_id int unsigned DEFAULT '1', meta_key varchar(40) NOT NULL, meta_value text NOT NULL,
  PRIMARY KEY (meta_id)
);

CREATE TABLE method_link (
  method_link_id int unsigned NOT NULL AUTO_INCREMENT, type varchar(50) NOT NULL DEFAULT '', class varchar(50) NOT NULL DEFAULT '',
  PRIMARY KEY (method_link_id), UNIQUE KEY type (type)
);

CREATE TABLE method_link_species_set (
  method_link_species_set_id int unsigned NOT NULL AUTO_INCREMENT, method_link_id int unsigned NOT NULL,
  species_set_id int unsigned NOT NULL, name varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (method_link_species_set_id), UNIQUE KEY method_link_id (method_link_id,species_set_id), KEY species_set_id (species_set_id)
);

CREATE TABLE ncbi_taxa_name (
  taxon_id int unsigned NOT NULL, name varchar(500) NOT NULL, name_class varchar(50) NOT NULL,
  KEY taxon_id (taxon_id), KEY name (name), KEY name_class (name_class)
);

CREATE TABLE ncbi_taxa_node (
  taxon_id int unsigned NOT NULL, parent_id int unsigned NOT NULL, `rank` char(32) NOT NULL DEFAULT '',
  genbank_hidden_flag tinyint NOT NULL DEFAULT '0', left_index int NOT NULL DEFAULT '0', right_index int NOT NULL DEFAULT '0',
  root_id int NOT NULL DEFAULT '1',
  PRIMARY KEY (taxon_id), KEY parent_id (parent_id), KEY `rank` (`rank`), KEY left_index (left_index), KEY right_index (right_index)
);

CREATE TABLE species_set (
  species_set_id int unsigned NOT NULL, genome_db_id int unsigned NOT NULL,
  PRIMARY KEY (species_set_id,genome_db_id), KEY genome_db_id (genome_db_id)
);

CREATE TABLE species_set_header (
  species_set_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (species_set_id)
);
