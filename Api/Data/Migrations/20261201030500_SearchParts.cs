using Microsoft.EntityFrameworkCore.Migrations;
using NpgsqlTypes;

#nullable disable

namespace LlmAspire.Api.Data.Migrations
{
    /// <inheritdoc />
    public partial class SearchParts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_message_search",
                schema: "tenant",
                table: "message");

            migrationBuilder.DropColumn(
                name: "search",
                schema: "tenant",
                table: "prompt");

            migrationBuilder.DropColumn(
                name: "search",
                schema: "tenant",
                table: "message");

            migrationBuilder.DropColumn(
                name: "search",
                schema: "tenant",
                table: "conversation");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<NpgsqlTsVector>(
                name: "search",
                schema: "tenant",
                table: "prompt",
                type: "tsvector",
                nullable: false,
                computedColumnSql: "to_tsvector('simple', name || ' ' || left(text, 200000))",
                stored: true);

            migrationBuilder.AddColumn<NpgsqlTsVector>(
                name: "search",
                schema: "tenant",
                table: "message",
                type: "tsvector",
                nullable: false,
                computedColumnSql: "to_tsvector('simple', left(content, 200000)) || array_to_tsvector(ARRAY[user_id::text])",
                stored: true);

            migrationBuilder.AddColumn<NpgsqlTsVector>(
                name: "search",
                schema: "tenant",
                table: "conversation",
                type: "tsvector",
                nullable: false,
                computedColumnSql: "to_tsvector('simple', title)",
                stored: true);

            migrationBuilder.CreateIndex(
                name: "ix_message_search",
                schema: "tenant",
                table: "message",
                column: "search")
                .Annotation("Npgsql:IndexMethod", "gin");
        }
    }
}
