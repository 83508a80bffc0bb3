-- MySQL dump 10.19  Distrib 8.0
--
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
# a comment; with a semicolon
DROP TABLE IF EXISTS `gene`;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `gene` (
  `gene_id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `biotype` varchar(40) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL,
  `status` enum('KNOWN','it''s','a,b)','x\'y') COLLATE utf8_general_ci DEFAULT 'KNOWN' COMMENT 'a ''quoted'', thing)',
  `score` double(16,6) DEFAULT '-0.5',
  `start` int(10) NOT NULL DEFAULT -1,
  `created` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP(),
  `flags` set('a','b') NOT NULL DEFAULT '',
  `bits` bit(1) DEFAULT b'101',
  `data` mediumblob,
  `key` decimal(10,2) unsigned zerofill DEFAULT 0.00 /* in between */,
  `sum` bigint(20) GENERATED ALWAYS AS ((`gene_id` + (1))) VIRTUAL,
  PRIMARY KEY (`gene_id`),
  UNIQUE KEY `name` (`biotype`(10),`start` DESC) USING BTREE COMMENT 'x',
  KEY (`start`),
  KEY `start` (`start`,`gene_id`),
  FULLTEXT KEY `ft` (`biotype`),
  CONSTRAINT `fk` FOREIGN KEY (`start`) REFERENCES `other` (`id`) ON DELETE CASCADE
) ENGINE=MyISAM AUTO_INCREMENT=430513 DEFAULT CHARSET=latin1 MAX_ROWS=100000000 COMMENT='a; b';
/*!50001 CREATE VIEW `v` AS SELECT 1 AS `x` */;

create table if not exists bare (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  word TEXT BINARY,
  other CHAR(3) UNIQUE
) default charset = utf8mb4 collate = utf8mb4_bin
