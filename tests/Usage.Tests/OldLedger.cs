using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Usage.Tests;

/// <summary>A ledger as an older version has it.</summary>
internal static class OldLedger
{
    /// <summary>Brings the schema to a migration, forward or back.</summary>
    public static async Task MigrateAsync(string connectionString, string migration)
    {
        await using var context = Context(connectionString);
        await context.Database.MigrateAsync(migration, TestContext.Current.CancellationToken);
    }

    public static async Task ExecuteAsync(string connectionString, FormattableString sql)
    {
        await using var context = Context(connectionString);
        await context.Database.ExecuteSqlAsync(sql, TestContext.Current.CancellationToken);
    }

    private static LedgerContext Context(string connectionString)
    {
        var options = new DbContextOptionsBuilder<LedgerContext>();
        options.UseNpgsql(connectionString);
        LedgerContext.Configure(options);
        return new LedgerContext(options.Options);
    }
}
