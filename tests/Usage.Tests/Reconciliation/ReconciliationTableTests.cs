using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests.Reconciliation;

/// <summary>What the tables refuse, whoever writes.</summary>
public class ReconciliationTableTests(PostgresFixture postgres)
{
    private const string Day = "INSERT INTO ledger.reconciliation_day VALUES ('2026-11-22', '2026-11-23 00:00+00', now(), now(), 0); ";

    private const string Import = "INSERT INTO ledger.invoice_import (author, name) VALUES ('a', 'n'); ";

    private const string Line = "INSERT INTO ledger.invoice_line SELECT max(id), 2, '2026-11-22', 'p', 'm', NULL, 1, 2, 3 FROM ledger.invoice_import; ";

    [Theory]
    [InlineData("INSERT INTO ledger.reconciliation_day VALUES ('2026-11-22', '2026-11-23 00:00:01+00', now(), now(), 0)", "ck_reconciliation_day_until")]
    [InlineData("INSERT INTO ledger.reconciliation_result VALUES ('2026-11-22', 'p', 'm', 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 2)", "fk_reconciliation_result_day")]
    [InlineData(Day + "INSERT INTO ledger.reconciliation_result VALUES ('2026-11-22', 'p', 'm', 2, 1, 0, 0, 1, 1, 1, 1, 0, 0, 2)", "ck_reconciliation_result_calls")]
    [InlineData(Day + "INSERT INTO ledger.reconciliation_result VALUES ('2026-11-22', 'p', 'm', 1, 1, 0, 0, 1, 1, 1, 3, 0, 1, 4)", "ck_reconciliation_result_tokens")]
    [InlineData(Day + "INSERT INTO ledger.reconciliation_result VALUES ('2026-11-22', 'p', 'm', 1, 1, 0, 0, 1, 1, 1, 1, -1, 0, 2)", "ck_reconciliation_result_not_negative")]
    [InlineData(Import + "INSERT INTO ledger.invoice_line SELECT max(id), 2, '2026-11-22', 'p', 'm', NULL, 1, 2, -3 FROM ledger.invoice_import", "ck_invoice_line_not_negative")]
    [InlineData(Import + "INSERT INTO ledger.invoice_line SELECT max(id), 2, '2026-11-22', '', 'm', NULL, 1, 2, 3 FROM ledger.invoice_import", "ck_invoice_line_names")]
    [InlineData(Import + Line + Line, "pk_invoice_line")]
    public async Task what_cannot_be_true_is_refused(string sql, string constraint)
    {
        await using var host = await LedgerHost.StartAsync(await postgres.CreateDatabaseAsync());
        await host.Readiness.WhenReadyAsync(TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => host.ScalarAsync(sql));

        Assert.Equal(constraint, refused.ConstraintName);
    }

    [Theory]
    [InlineData("UPDATE ledger.invoice_line SET cost_usd = 0")]
    [InlineData("DELETE FROM ledger.invoice_line")]
    [InlineData("UPDATE ledger.invoice_import SET name = 'x'")]
    [InlineData("TRUNCATE ledger.invoice_import CASCADE")]
    public async Task what_was_imported_stays(string sql)
    {
        await using var host = await LedgerHost.StartAsync(await postgres.CreateDatabaseAsync());
        await host.Readiness.WhenReadyAsync(TestContext.Current.CancellationToken);
        await host.ScalarAsync(Import + Line);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => host.ScalarAsync(sql));

        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, refused.SqlState);
    }
}
