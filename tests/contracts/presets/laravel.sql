-- Tables as Laravel 12 and spatie/laravel-permission 6 make them: laravel/laravel
-- database/migrations/0001_01_01_000000_create_users_table.php, with the column of SoftDeletes, and laravel-permission
-- database/migrations/create_permission_tables.php.stub. Invented people.
CREATE TABLE users (
  id bigint PRIMARY KEY, name varchar(255) NOT NULL, email varchar(255) NOT NULL UNIQUE, email_verified_at timestamp NULL,
  password varchar(255) NOT NULL, remember_token varchar(100) NULL, created_at timestamp NULL, updated_at timestamp NULL,
  deleted_at timestamp NULL
);
CREATE TABLE roles (
  id bigint PRIMARY KEY, name varchar(255) NOT NULL, guard_name varchar(255) NOT NULL, created_at timestamp NULL,
  updated_at timestamp NULL, UNIQUE (name, guard_name)
);
CREATE TABLE model_has_roles (
  role_id bigint NOT NULL, model_type varchar(255) NOT NULL, model_id bigint NOT NULL,
  PRIMARY KEY (role_id, model_id, model_type)
);
INSERT INTO users (id, name, email, email_verified_at, password, deleted_at) VALUES
  (1, 'Ada Müßig, 李', 'Ada@Example.com', '2026-01-02 03:04:05', '$2y$12$AtGxylQ5vWxEFwWHDuXF9Op/rDDDWRaVDZlrOu8yqBpawo3tBoyb6', NULL),
  (2, 'Bob Example', 'bob@example.com', NULL, '$2y$12$AtGxylQ5vWxEFwWHDuXF9Op/rDDDWRaVDZlrOu8yqBpawo3tBoyb6', NULL),
  (3, 'Cyn Example', 'cyn@example.com', '2026-01-02 03:04:05', '$2y$12$AtGxylQ5vWxEFwWHDuXF9Op/rDDDWRaVDZlrOu8yqBpawo3tBoyb6', '2026-02-03 04:05:06'),
  (4, 'Planted', 'planted', NULL, '$2y$12$AtGxylQ5vWxEFwWHDuXF9Op/rDDDWRaVDZlrOu8yqBpawo3tBoyb6', NULL);
INSERT INTO roles (id, name, guard_name) VALUES (1, 'Super Admin', 'web'), (2, 'writer', 'web'), (3, 'driver', 'web');
INSERT INTO model_has_roles VALUES (1, '{user}', 1), (2, '{user}', 1), (2, '{user}', 3), (3, '{team}', 1);
