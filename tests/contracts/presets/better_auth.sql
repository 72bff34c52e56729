-- Tables as better-auth makes them (better-auth/better-auth, demo/nextjs/better-auth_migrations), with the columns of the plugins
-- admin, two-factor, username and phone-number; columns and types are those that 1.7.25 makes on PostgreSQL. Invented people.
CREATE TABLE "user" (
  "id" text NOT NULL PRIMARY KEY, "name" text NOT NULL, "email" text NOT NULL UNIQUE, "emailVerified" boolean NOT NULL,
  "image" text, "createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL,
  "updatedAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL, "role" text, "banned" boolean, "banReason" text,
  "banExpires" timestamptz, "twoFactorEnabled" boolean, "username" text UNIQUE, "displayUsername" text,
  "phoneNumber" text UNIQUE, "phoneNumberVerified" boolean
);
CREATE TABLE "account" (
  "id" text NOT NULL PRIMARY KEY, "accountId" text NOT NULL, "providerId" text NOT NULL, "userId" text NOT NULL,
  "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" timestamptz,
  "refreshTokenExpiresAt" timestamptz, "scope" text, "password" text,
  "createdAt" timestamptz DEFAULT CURRENT_TIMESTAMP NOT NULL, "updatedAt" timestamptz NOT NULL
);
INSERT INTO "user" ("id", "name", "email", "emailVerified", "image", "role", "banned", "banExpires", "twoFactorEnabled",
  "username", "phoneNumber", "phoneNumberVerified") VALUES
  ('ada', 'Ada Müßig, 李', 'ada@example.com', TRUE, 'https://example.com/ada.png', 'admin,user', FALSE, NULL, TRUE, 'ada.one', '+15555550101', TRUE),
  ('bob', 'Bob Example', 'bob@example.com', FALSE, NULL, 'user', NULL, NULL, NULL, NULL, NULL, NULL),
  ('cyn', 'Cyn Example', 'cyn@example.com', TRUE, NULL, NULL, TRUE, NULL, FALSE, NULL, NULL, NULL),
  ('dan', 'Dan Example', 'dan@example.com', TRUE, NULL, NULL, TRUE, '2026-01-02 03:04:05+00:00', NULL, NULL, NULL, NULL),
  ('eve', 'Eve Planted', 'planted', FALSE, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "account" ("id", "accountId", "providerId", "userId", "password", "updatedAt") VALUES
  ('1', 'ada', 'credential', 'ada', 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff:fdd9b4466c7c1900c01a7ac65e18a7afa78f033b8c5c04d4dd32ac4ef986b5293d29ac4eb10037f0df45fe6ba81d8706454ce2daad60f518f63ab951599dee8f', CURRENT_TIMESTAMP),
  ('2', '100000000000000000001', 'google', 'ada', NULL, CURRENT_TIMESTAMP),
  ('3', '100000000000000000002', 'google', 'bob', NULL, CURRENT_TIMESTAMP);
