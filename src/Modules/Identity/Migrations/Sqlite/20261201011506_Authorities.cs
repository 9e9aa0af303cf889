using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Identity.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Authorities : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "CertifiedBy",
                table: "nodes",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "NewestTrusted",
                table: "nodes",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateTable(
                name: "authorities",
                columns: table => new
                {
                    Uid = table.Column<Guid>(type: "TEXT", nullable: false),
                    Use = table.Column<int>(type: "INTEGER", nullable: false),
                    Number = table.Column<int>(type: "INTEGER", nullable: false),
                    State = table.Column<int>(type: "INTEGER", nullable: false),
                    Certificate = table.Column<byte[]>(type: "BLOB", nullable: false),
                    SealedKey = table.Column<byte[]>(type: "BLOB", nullable: false),
                    SignTime = table.Column<DateTime>(type: "TEXT", nullable: true),
                    RetireTime = table.Column<DateTime>(type: "TEXT", nullable: true),
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
                    table.PrimaryKey("PK_authorities", x => x.Uid);
                });

            migrationBuilder.CreateIndex(
                name: "IX_authorities_Name",
                table: "authorities",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_authorities_Project_Name",
                table: "authorities",
                columns: new[] { "Project", "Name" });

            migrationBuilder.CreateIndex(
                name: "IX_authorities_Use_State",
                table: "authorities",
                columns: new[] { "Use", "State" },
                unique: true,
                filter: "\"State\" <> 3");

            // What has signed logins until now goes on: servers trust it.
            foreach (var (use, number, id) in new[] { ("user", 2, "logins-1"), ("host", 3, "servers-1") })
                migrationBuilder.Sql($"""
                    INSERT INTO authorities ("Uid", "Use", "Number", "State", "Certificate", "SealedKey", "SignTime", "Name", "Project", "Generation", "DisplayName", "Labels", "CreateTime", "UpdateTime")
                    SELECT '01900000-0000-7000-8000-00000000000{number}', {number}, 1, 2, X'', "SealedKey", "CreateTime", 'certificateAuthorities/{id}', '', 1, '', '', "CreateTime", "CreateTime"
                    FROM login_keys WHERE "Use" = '{use}'
                    """);

            migrationBuilder.DropTable(
                name: "login_keys");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "authorities");

            migrationBuilder.DropColumn(
                name: "CertifiedBy",
                table: "nodes");

            migrationBuilder.DropColumn(
                name: "NewestTrusted",
                table: "nodes");

            migrationBuilder.CreateTable(
                name: "login_keys",
                columns: table => new
                {
                    Use = table.Column<string>(type: "TEXT", nullable: false),
                    CreateTime = table.Column<DateTime>(type: "TEXT", nullable: false),
                    SealedKey = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_login_keys", x => x.Use);
                });
        }
    }
}
