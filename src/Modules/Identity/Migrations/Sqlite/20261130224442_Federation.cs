using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Identity.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Federation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "IdentityProvider",
                table: "users",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Subject",
                table: "users",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "IdentityProvider",
                table: "tokens",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateTable(
                name: "identity_providers",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Issuer = table.Column<string>(type: "TEXT", nullable: false),
                    ClientId = table.Column<string>(type: "TEXT", nullable: false),
                    Audiences = table.Column<string>(type: "TEXT", nullable: false),
                    Scopes = table.Column<string>(type: "TEXT", nullable: false),
                    UserClaim = table.Column<string>(type: "TEXT", nullable: false),
                    UserTemplate = table.Column<string>(type: "TEXT", nullable: false),
                    EmailClaim = table.Column<string>(type: "TEXT", nullable: false),
                    RequiredClaims = table.Column<string>(type: "TEXT", nullable: false),
                    GroupsClaim = table.Column<string>(type: "TEXT", nullable: false),
                    Groups = table.Column<string>(type: "TEXT", nullable: false),
                    KnownUsersOnly = table.Column<bool>(type: "INTEGER", nullable: false),
                    SessionSeconds = table.Column<long>(type: "INTEGER", nullable: false),
                    Disabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    Project = table.Column<string>(type: "TEXT", nullable: false),
                    Generation = table.Column<long>(type: "INTEGER", nullable: false),
                    DisplayName = table.Column<string>(type: "TEXT", nullable: false),
                    Labels = table.Column<string>(type: "TEXT", nullable: false),
                    CreateTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    UpdateTime = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_identity_providers", x => x.Uid);
                });

            migrationBuilder.CreateTable(
                name: "used_id_tokens",
                columns: table => new
                {
                    Digest = table.Column<byte[]>(type: "BLOB", nullable: false),
                    ExpireTime = table.Column<DateTime>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_used_id_tokens", x => x.Digest);
                });

            migrationBuilder.CreateIndex(
                name: "IX_users_IdentityProvider_Subject",
                table: "users",
                columns: new[] { "IdentityProvider", "Subject" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_tokens_IdentityProvider",
                table: "tokens",
                column: "IdentityProvider");

            migrationBuilder.CreateIndex(
                name: "IX_identity_providers_Name",
                table: "identity_providers",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_identity_providers_Project_Name",
                table: "identity_providers",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_used_id_tokens_ExpireTime",
                table: "used_id_tokens",
                column: "ExpireTime");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "identity_providers");

            migrationBuilder.DropTable(
                name: "used_id_tokens");

            migrationBuilder.DropIndex(
                name: "IX_users_IdentityProvider_Subject",
                table: "users");

            migrationBuilder.DropIndex(
                name: "IX_tokens_IdentityProvider",
                table: "tokens");

            migrationBuilder.DropColumn(
                name: "IdentityProvider",
                table: "users");

            migrationBuilder.DropColumn(
                name: "Subject",
                table: "users");

            migrationBuilder.DropColumn(
                name: "IdentityProvider",
                table: "tokens");
        }
    }
}
