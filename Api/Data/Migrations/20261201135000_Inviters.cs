using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Api.Data.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(TenantContext))]
    [Migration("20261201135000_Inviters")]
    public partial class Inviters : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "inviter_id",
                schema: "tenant",
                table: "invitation",
                type: "uuid",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_invitation_inviter_id",
                schema: "tenant",
                table: "invitation",
                column: "inviter_id");

            migrationBuilder.AddForeignKey(
                name: "fk_invitation_account_inviter_id",
                schema: "tenant",
                table: "invitation",
                column: "inviter_id",
                principalSchema: "tenant",
                principalTable: "account",
                principalColumn: "id",
                onDelete: ReferentialAction.Cascade);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "fk_invitation_account_inviter_id",
                schema: "tenant",
                table: "invitation");

            migrationBuilder.DropIndex(
                name: "ix_invitation_inviter_id",
                schema: "tenant",
                table: "invitation");

            migrationBuilder.DropColumn(
                name: "inviter_id",
                schema: "tenant",
                table: "invitation");
        }
    }
}
