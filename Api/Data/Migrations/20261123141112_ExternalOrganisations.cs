using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Api.Data.Migrations
{
    /// <inheritdoc />
    public partial class ExternalOrganisations : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "external_id",
                schema: "tenant",
                table: "organisation",
                type: "text",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_organisation_external_id",
                schema: "tenant",
                table: "organisation",
                column: "external_id",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_organisation_external_id",
                schema: "tenant",
                table: "organisation");

            migrationBuilder.DropColumn(
                name: "external_id",
                schema: "tenant",
                table: "organisation");
        }
    }
}
