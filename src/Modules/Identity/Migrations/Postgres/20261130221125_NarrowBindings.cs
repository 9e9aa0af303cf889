using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Monolith.Identity.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class NarrowBindings : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_role_bindings_Member_Scope_Role",
                schema: "identity",
                table: "role_bindings");

            migrationBuilder.AddColumn<string>(
                name: "ResourceLabels",
                schema: "identity",
                table: "role_bindings",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<Guid>(
                name: "ScopeUid",
                schema: "identity",
                table: "role_bindings",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.CreateIndex(
                name: "IX_role_bindings_Member_Scope_Role_ScopeUid_ResourceLabels",
                schema: "identity",
                table: "role_bindings",
                columns: new[] { "Member", "Scope", "Role", "ScopeUid", "ResourceLabels" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_role_bindings_Member_Scope_Role_ScopeUid_ResourceLabels",
                schema: "identity",
                table: "role_bindings");

            migrationBuilder.DropColumn(
                name: "ResourceLabels",
                schema: "identity",
                table: "role_bindings");

            migrationBuilder.DropColumn(
                name: "ScopeUid",
                schema: "identity",
                table: "role_bindings");

            migrationBuilder.CreateIndex(
                name: "IX_role_bindings_Member_Scope_Role",
                schema: "identity",
                table: "role_bindings",
                columns: new[] { "Member", "Scope", "Role" },
                unique: true);
        }
    }
}
