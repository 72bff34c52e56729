-- Tables as all migrations of Supabase Auth leave them (supabase/auth, the folder migrations up to 20260625000000, run on
-- PostgreSQL 15), of those tables that hold people. Invented people.
CREATE SCHEMA auth;
CREATE TYPE auth.factor_type AS ENUM ('totp', 'webauthn', 'phone');
CREATE TYPE auth.factor_status AS ENUM ('unverified', 'verified');
CREATE TABLE auth.users (
  instance_id uuid, id uuid PRIMARY KEY, aud varchar(255), role varchar(255), email varchar(255),
  encrypted_password varchar(255), email_confirmed_at timestamptz, invited_at timestamptz, confirmation_token varchar(255),
  confirmation_sent_at timestamptz, recovery_token varchar(255), recovery_sent_at timestamptz,
  email_change_token_new varchar(255), email_change varchar(255), email_change_sent_at timestamptz,
  last_sign_in_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb, is_super_admin boolean,
  created_at timestamptz, updated_at timestamptz, phone text UNIQUE DEFAULT NULL, phone_confirmed_at timestamptz,
  phone_change text DEFAULT '', phone_change_token varchar(255) DEFAULT '', phone_change_sent_at timestamptz,
  confirmed_at timestamptz GENERATED ALWAYS AS (LEAST(email_confirmed_at, phone_confirmed_at)) STORED,
  email_change_token_current varchar(255) DEFAULT '', email_change_confirm_status smallint DEFAULT 0,
  banned_until timestamptz, reauthentication_token varchar(255) DEFAULT '', reauthentication_sent_at timestamptz,
  is_sso_user boolean NOT NULL DEFAULT false, deleted_at timestamptz, is_anonymous boolean NOT NULL DEFAULT false
);
CREATE TABLE auth.identities (
  provider_id text NOT NULL, user_id uuid NOT NULL, identity_data jsonb NOT NULL, provider text NOT NULL,
  last_sign_in_at timestamptz, created_at timestamptz, updated_at timestamptz,
  email text GENERATED ALWAYS AS (lower(identity_data ->> 'email')) STORED, id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  UNIQUE (provider_id, provider)
);
CREATE TABLE auth.mfa_factors (
  id uuid PRIMARY KEY, user_id uuid NOT NULL, friendly_name text, factor_type auth.factor_type NOT NULL,
  status auth.factor_status NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, secret text,
  phone text, last_challenged_at timestamptz UNIQUE, web_authn_credential jsonb, web_authn_aaguid uuid,
  last_webauthn_challenge_data jsonb
);
INSERT INTO auth.users (id, email, encrypted_password, email_confirmed_at, phone, phone_confirmed_at, raw_app_meta_data,
  raw_user_meta_data, banned_until, deleted_at, is_anonymous) VALUES
  ('00000000-0000-4000-8000-00000000000a', 'Ada@Example.com', '$2a$10$LRVO.QG6cfbe0kd38kodPefLok78LOX2EkNNyFYVEgE1.7DM8mZXS', '2026-01-02 03:04:05+00', '15555550101', '2026-01-02 03:04:05+00', '{"provider": "email", "providers": ["email"], "roles": ["site admin", "editor"]}', '{"full_name": "Ada Müßig, 李", "avatar_url": "https://example.com/ada.png", "roles": ["nobody"]}', NULL, NULL, false),
  ('00000000-0000-4000-8000-00000000000b', 'bob@example.com', NULL, '2026-01-02 03:04:05+00', NULL, NULL, '{"provider": "google", "providers": ["google"]}', '{"name": "Bob Example"}', '2026-01-02 03:04:05+00', NULL, false),
  ('00000000-0000-4000-8000-00000000000c', 'cyn@example.com', '$argon2id$v=19$m=65536,t=3,p=4$JR+Lqj2kz07nYeuUx3bPug$+nB3IarevSXKEcIaQaX4HckDwL5OfTrF6C/qusb0Io4', NULL, NULL, NULL, '{}', NULL, '2999-01-01 00:00:00+00', NULL, false),
  ('00000000-0000-4000-8000-00000000000d', NULL, '', NULL, '15555550104', '2026-01-02 03:04:05+00', NULL, '{}', 'infinity', NULL, false),
  ('00000000-0000-4000-8000-00000000000e', '3e5a7c', NULL, '2026-01-02 03:04:05+00', NULL, NULL, '{}', '{}', NULL, '2026-02-03 04:05:06+00', false),
  ('00000000-0000-4000-8000-00000000000f', NULL, '', NULL, NULL, NULL, '{}', '{}', NULL, NULL, true),
  ('00000000-0000-4000-8000-0000000000ff', 'planted', '', NULL, NULL, NULL, '{}', '{}', NULL, NULL, false);
INSERT INTO auth.identities (provider_id, user_id, identity_data, provider) VALUES
  ('100000000000000000002', '00000000-0000-4000-8000-00000000000b', '{"email": "bob@example.com"}', 'google'),
  ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000a', '{"email": "ada@example.com"}', 'email');
INSERT INTO auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at) VALUES
  ('10000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000a', 'phone', 'verified', now(), now()),
  ('10000000-0000-4000-8000-00000000000b', '00000000-0000-4000-8000-00000000000b', 'totp', 'unverified', now(), now()),
  ('10000000-0000-4000-8000-00000000000c', '00000000-0000-4000-8000-00000000000c', 'totp', 'verified', now(), now());
