using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Identity.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class Authorities : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "CertifiedBy",
                schema: "identity",
                table: "nodes",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "NewestTrusted",
                schema: "identity",
                table: "nodes",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.CreateTable(
                name: "authorities",
                schema: "identity",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "uuid", nullable: false),
                    Use = table.Column<int>(type: "integer", nullable: false),
                    Number = table.Column<int>(type: "integer", nullable: false),
                    State = table.Column<int>(type: "integer", nullable: false),
                    Certificate = table.Column<byte[]>(type: "bytea", nullable: false),
                    SealedKey = table.Column<byte[]>(type: "bytea", nullable: false),
                    SignTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    RetireTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
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
                    table.PrimaryKey("PK_authorities", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_authorities_Name",
                schema: "identity",
                table: "authorities",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_authorities_Project_Name",
                schema: "identity",
                table: "authorities",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_authorities_Use_State",
                schema: "identity",
                table: "authorities",
                columns: new[] { "Use", "State" },
                unique: true,
                filter: "\"State\" <> 3");

            // What has signed logins until now goes on: servers trust it.
            foreach (var (use, number, id) in new[] { ("user", 2, "logins-1"), ("host", 3, "servers-1") })
                migrationBuilder.Sql($"""
                    INSERT INTO identity.authorities ("Uid", "Use", "Number", "State", "Certificate", "SealedKey", "SignTime", "Name", "Project", "Generation", "DisplayName", "Labels", "CreateTime", "UpdateTime")
                    SELECT '01900000-0000-7000-8000-00000000000{number}'::uuid, {number}, 1, 2, ''::bytea, "SealedKey", "CreateTime", 'certificateAuthorities/{id}', '', 1, '', '', "CreateTime", "CreateTime"
                    FROM identity.login_keys WHERE "Use" = '{use}'
                    """);

            migrationBuilder.DropTable(
                name: "login_keys",
                schema: "identity");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "authorities",
                schema: "identity");

            migrationBuilder.DropColumn(
                name: "CertifiedBy",
                schema: "identity",
                table: "nodes");

            migrationBuilder.DropColumn(
                name: "NewestTrusted",
                schema: "identity",
                table: "nodes");

            migrationBuilder.CreateTable(
                name: "login_keys",
                schema: "identity",
                columns: table => new
                {
                    Use = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    CreateTime = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    SealedKey = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_login_keys", x => x.Use);
                });
        }
    }
}
