-- Tables as Devise 5 and rolify 6 make them: devise lib/generators/active_record/devise_generator.rb, with the columns of
-- :confirmable and :lockable, and rolify lib/generators/active_record/templates/migration.rb. Invented people.
CREATE TABLE users (
  id bigint PRIMARY KEY, email varchar(255) DEFAULT '' NOT NULL, encrypted_password varchar(255) DEFAULT '' NOT NULL,
  reset_password_token varchar(255), reset_password_sent_at timestamp, remember_created_at timestamp,
  confirmation_token varchar(255), confirmed_at timestamp, confirmation_sent_at timestamp, unconfirmed_email varchar(255),
  failed_attempts integer DEFAULT 0 NOT NULL, unlock_token varchar(255), locked_at timestamp,
  created_at timestamp NOT NULL, updated_at timestamp NOT NULL
);
CREATE TABLE roles (
  id bigint PRIMARY KEY, name varchar(255), resource_type varchar(255), resource_id bigint,
  created_at timestamp NOT NULL, updated_at timestamp NOT NULL
);
CREATE TABLE users_roles (user_id bigint, role_id bigint);
INSERT INTO users (id, email, encrypted_password, confirmed_at, locked_at, created_at, updated_at) VALUES
  (1, 'Ada@Example.com', '$2a$12$pWA7qzgqGy8C6a.dOuI7Z.ApBuC2otkvpOvSnstH2sLeagGEDnuVe', '2026-01-02 03:04:05.123456', NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (2, 'bob@example.com', '$2a$11$iTlQrP4KLtCr.uTxBNjFJ.jdVbk.7gF8hdk36jgRVQR12zIVrc43y', NULL, NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (3, 'cyn@example.com', '$2a$12$pWA7qzgqGy8C6a.dOuI7Z.ApBuC2otkvpOvSnstH2sLeagGEDnuVe', '2026-01-02 03:04:05', '2999-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (4, 'dan@example.com', '$2a$12$pWA7qzgqGy8C6a.dOuI7Z.ApBuC2otkvpOvSnstH2sLeagGEDnuVe', '2026-01-02 03:04:05', '2026-01-02 03:04:05', '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (5, '', '', NULL, NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (6, 'planted', '', NULL, NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00');
INSERT INTO roles (id, name, resource_type, resource_id, created_at, updated_at) VALUES
  (1, 'site admin', NULL, NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (2, 'editor', NULL, NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
  (3, 'moderator', 'Forum', 7, '2026-01-01 00:00:00', '2026-01-01 00:00:00');
INSERT INTO users_roles VALUES (1, 1), (1, 2), (2, 3);
