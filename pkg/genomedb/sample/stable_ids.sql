-- The tables of an Ensembl stable_ids database, schema version 115, that the API reads.
-- Names and types follow Ensembl's schema (Apache License 2.0), so that the
-- same queries run on the sample and on Ensembl's own databases.

CREATE TABLE archive_id_lookup (
  archive_id varchar(128) NOT NULL, species_id int unsigned NOT NULL, db_type varchar(255) NOT NULL,
  object_type varchar(255) NOT NULL,
  UNIQUE KEY archive_id_lookup_idx (archive_id,species_id,db_type,object_type),
  KEY archive_id_db_type (archive_id,db_type,object_type), KEY archive_id_object_type (archive_id,object_type),
  KEY species_idx (species_id)
);

CREATE TABLE meta (
  meta_id int NOT NULL AUTO_INCREMENT, species_id int unsigned DEFAULT '1', meta_key varchar(40) NOT NULL,
  meta_value varchar(255),
  PRIMARY KEY (meta_id), UNIQUE KEY species_key_value_idx (species_id,meta_key,meta_value),
  KEY species_value_idx (species_id,meta_value)
);

CREATE TABLE species (
  species_id int unsigned NOT NULL AUTO_INCREMENT, name varchar(255) NOT NULL, taxonomy_id int unsigned,
  PRIMARY KEY (species_id), UNIQUE KEY name_idx (name), KEY species_ids (species_id)
);

CREATE TABLE stable_id_lookup (
  stable_id varchar(128) NOT NULL, species_id int unsigned NOT NULL, db_type varchar(255) NOT NULL,
  object_type varchar(255) NOT NULL,
  UNIQUE KEY stable_id_lookup_idx (stable_id,species_id,db_type,object_type),
  KEY stable_id_db_type (stable_id,db_type,object_type), KEY stable_id_object_type (stable_id,object_type),
  KEY species_idx (species_id)
);
