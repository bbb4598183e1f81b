using System;
using Microsoft.EntityFrameworkCore.Migrations;
using NpgsqlTypes;

#nullable disable

namespace LlmAspire.Api.Data.Migrations
{
    /// <inheritdoc />
    public partial class Prompts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "prompt_id",
                schema: "tenant",
                table: "conversation",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "prompt_name",
                schema: "tenant",
                table: "conversation",
                type: "character varying(200)",
                maxLength: 200,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "prompt_text",
                schema: "tenant",
                table: "conversation",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "prompt_version",
                schema: "tenant",
                table: "conversation",
                type: "integer",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "prompt",
                schema: "tenant",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    text = table.Column<string>(type: "text", nullable: false),
                    visibility = table.Column<string>(type: "text", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    search = table.Column<NpgsqlTsVector>(type: "tsvector", nullable: false, computedColumnSql: "to_tsvector('simple', name || ' ' || left(text, 200000))", stored: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_prompt", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "prompt_version",
                schema: "tenant",
                columns: table => new
                {
                    prompt_id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    text = table.Column<string>(type: "text", nullable: false),
                    visibility = table.Column<string>(type: "text", nullable: false),
                    author_id = table.Column<Guid>(type: "uuid", nullable: false),
                    restored_from = table.Column<int>(type: "integer", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_prompt_version", x => new { x.prompt_id, x.number });
                    table.ForeignKey(
                        name: "fk_prompt_version_prompt_prompt_id",
                        column: x => x.prompt_id,
                        principalSchema: "tenant",
                        principalTable: "prompt",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_prompt_org_id_updated_at_id",
                schema: "tenant",
                table: "prompt",
                columns: new[] { "org_id", "updated_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_prompt_user_id",
                schema: "tenant",
                table: "prompt",
                column: "user_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "prompt_version",
                schema: "tenant");

            migrationBuilder.DropTable(
                name: "prompt",
                schema: "tenant");

            migrationBuilder.DropColumn(
                name: "prompt_id",
                schema: "tenant",
                table: "conversation");

            migrationBuilder.DropColumn(
                name: "prompt_name",
                schema: "tenant",
                table: "conversation");

            migrationBuilder.DropColumn(
                name: "prompt_text",
                schema: "tenant",
                table: "conversation");

            migrationBuilder.DropColumn(
                name: "prompt_version",
                schema: "tenant",
                table: "conversation");
        }
    }
}
