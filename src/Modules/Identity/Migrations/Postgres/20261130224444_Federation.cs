using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Identity.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Federation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "IdentityProvider",
                schema: "identity",
                table: "users",
                type: "text",
                nullable: true,
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "Subject",
                schema: "identity",
                table: "users",
                type: "text",
                nullable: true,
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "IdentityProvider",
                schema: "identity",
                table: "tokens",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateTable(
                name: "identity_providers",
                schema: "identity",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Issuer = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    ClientId = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Audiences = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Scopes = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    UserClaim = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    UserTemplate = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    EmailClaim = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    RequiredClaims = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    GroupsClaim = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Groups = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    KnownUsersOnly = table.Column<bool>(type: "boolean", nullable: false),
                    SessionSeconds = table.Column<long>(type: "bigint", nullable: false),
                    Disabled = table.Column<bool>(type: "boolean", nullable: false),
                    Name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Project = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Generation = table.Column<long>(type: "bigint", nullable: false),
                    DisplayName = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    Labels = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    CreateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    UpdateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_identity_providers", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "used_id_tokens",
                schema: "identity",
                columns: table => new
                {
                    Digest = table.Column<byte[]>(type: "bytea", nullable: false),
                    ExpireTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_used_id_tokens", x => x.Digest);
                });

            migrationBuilder.CreateIndex(
                name: "IX_users_IdentityProvider_Subject",
                schema: "identity",
                table: "users",
                columns: new[] { "IdentityProvider", "Subject" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_tokens_IdentityProvider",
                schema: "identity",
                table: "tokens",
                column: "IdentityProvider");

            migrationBuilder.CreateIndex(
                name: "IX_identity_providers_Name",
                schema: "identity",
                table: "identity_providers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_identity_providers_Project_Name",
                schema: "identity",
                table: "identity_providers",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_used_id_tokens_ExpireTime",
                schema: "identity",
                table: "used_id_tokens",
                column: "ExpireTime");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "identity_providers",
                schema: "identity");

            migrationBuilder.DropTable(
                name: "used_id_tokens",
                schema: "identity");

            migrationBuilder.DropIndex(
                name: "IX_users_IdentityProvider_Subject",
                schema: "identity",
                table: "users");

            migrationBuilder.DropIndex(
                name: "IX_tokens_IdentityProvider",
                schema: "identity",
                table: "tokens");

            migrationBuilder.DropColumn(
                name: "IdentityProvider",
                schema: "identity",
                table: "users");

            migrationBuilder.DropColumn(
                name: "Subject",
                schema: "identity",
                table: "users");

            migrationBuilder.DropColumn(
                name: "IdentityProvider",
                schema: "identity",
                table: "tokens");
        }
    }
}
