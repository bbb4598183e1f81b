using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Api.Data.Migrations
{
    /// <inheritdoc />
    public partial class ToolCalls : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "tools",
                schema: "tenant",
                table: "run",
                type: "jsonb",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "tools",
                schema: "tenant",
                table: "message",
                type: "jsonb",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "tools",
                schema: "tenant",
                table: "run");

            migrationBuilder.DropColumn(
                name: "tools",
                schema: "tenant",
                table: "message");
        }
    }
}
