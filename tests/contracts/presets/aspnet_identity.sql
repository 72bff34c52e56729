-- Tables as the migration of ASP.NET Core's templates makes them: dotnet/aspnetcore
-- src/ProjectTemplates/Web.ProjectTemplates/content/RazorPagesWeb-CSharp/Data/SqlServer/00000000000000_CreateIdentitySchema,
-- with Npgsql's types. Invented people.
CREATE TABLE "AspNetUsers" (
  "Id" text PRIMARY KEY NOT NULL, "UserName" varchar(256), "NormalizedUserName" varchar(256), "Email" varchar(256),
  "NormalizedEmail" varchar(256), "EmailConfirmed" boolean NOT NULL, "PasswordHash" text, "SecurityStamp" text,
  "ConcurrencyStamp" text, "PhoneNumber" text, "PhoneNumberConfirmed" boolean NOT NULL,
  "TwoFactorEnabled" boolean NOT NULL, "LockoutEnd" timestamptz, "LockoutEnabled" boolean NOT NULL,
  "AccessFailedCount" integer NOT NULL
);
CREATE TABLE "AspNetRoles" (
  "Id" text PRIMARY KEY NOT NULL, "Name" varchar(256), "NormalizedName" varchar(256), "ConcurrencyStamp" text
);
CREATE TABLE "AspNetUserRoles" ("UserId" text NOT NULL, "RoleId" text NOT NULL, PRIMARY KEY ("UserId", "RoleId"));
CREATE TABLE "AspNetUserLogins" (
  "LoginProvider" varchar(128) NOT NULL, "ProviderKey" varchar(128) NOT NULL, "ProviderDisplayName" text,
  "UserId" text NOT NULL, PRIMARY KEY ("LoginProvider", "ProviderKey")
);
INSERT INTO "AspNetUsers" ("Id", "UserName", "Email", "EmailConfirmed", "PasswordHash", "PhoneNumber",
  "PhoneNumberConfirmed", "TwoFactorEnabled", "LockoutEnd", "LockoutEnabled", "AccessFailedCount") VALUES
  ('a-ada', 'Ada@Example.com', 'Ada@Example.com', TRUE, 'AQAAAAEAACcQAAAAEPDx8vP09fb3+Pn6+/z9/v95PdIi1YdSiuCaCKBFxwYGEqml+T/sC510dKE0eSLSrw==', '+12025550143', TRUE, FALSE, NULL, TRUE, 0),
  ('b-bob', 'bob', 'bob@example.com', FALSE, 'AQAAAAIAAYagAAAAEPDx8vP09fb3+Pn6+/z9/v/KGQf5UOYfYDw6jyMA3zzN4BMYaJH5CYmGbi956C3tHg==', '030 12345', TRUE, TRUE, '2026-01-02 03:04:05+00:00', TRUE, 2),
  ('c-cyn', 'cyn', 'cyn@example.com', TRUE, NULL, NULL, FALSE, FALSE, '{max}', TRUE, 0),
  ('d-dan', 'dan', 'dan@example.com', TRUE, 'APDx8vP09fb3+Pn6+/z9/v8m5Y19miarNbMJ0FSoiFTy/+f1+mtokWHjP5uYHGVfLw==', NULL, FALSE, FALSE, '2999-01-01 00:00:00+00:00', TRUE, 0),
  ('e-eve', 'eve', 'eve@example.com', TRUE, NULL, NULL, FALSE, FALSE, '2999-01-01 00:00:00+00:00', FALSE, 0),
  ('f-planted', 'planted', 'planted', FALSE, NULL, NULL, FALSE, FALSE, NULL, TRUE, 0);
INSERT INTO "AspNetRoles" ("Id", "Name") VALUES ('1', 'Site Admin'), ('2', 'Editor');
INSERT INTO "AspNetUserRoles" VALUES ('a-ada', '1'), ('a-ada', '2'), ('c-cyn', '2');
INSERT INTO "AspNetUserLogins" VALUES ('Google', '100000000000000000001', 'Google', 'e-eve');
