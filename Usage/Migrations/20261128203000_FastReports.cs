using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    public partial class FastReports : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Days);
            migrationBuilder.Sql(Rows);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Drop);
    }
}
