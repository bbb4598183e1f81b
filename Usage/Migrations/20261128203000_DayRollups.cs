using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    public partial class DayRollups : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Create);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Drop);
    }
}
