using System.Net;
using LlmAspire.Api.Data;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Api.Tests.Reports;

/// <summary>Reports that take long, made so by a lock: who asks for more, and what goes on beside them.</summary>
public sealed class ReportLimitsTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    private const string Report = "/usage/summary?groupBy=model";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task one_person_has_a_few_at_a_time_a_few_that_wait_and_the_others_are_refused()
    {
        var person = await fixture.RegisterAsync();
        List<Task<HttpResponseMessage>> asked;
        await using (await LockAsync())
        {
            // Two are made, twenty wait.
            asked = [.. Enumerable.Range(0, 23).Select(_ => person.GetAsync(Report))];

            var refused = await await Task.WhenAny(asked);
            asked.RemoveAll(one => one.IsCompleted);
            await refused.IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_reports");
            Assert.Equal(TimeSpan.FromSeconds(5), refused.Headers.RetryAfter?.Delta);
            Assert.Equal(22, asked.Count);
        }

        Assert.All(await Task.WhenAll(asked), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Fact]
    public async Task forty_reports_that_take_long_keep_no_call_from_the_ledger_and_nobody_from_signing_in()
    {
        var people = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => fixture.RegisterAsync()));
        var (opener, writer) = (fixture.Api.Services.GetRequiredService<CallOpener>(), fixture.Api.Services.GetRequiredService<UsageEventWriter>());
        List<Task<HttpResponseMessage>> asked;
        await using (await LockAsync())
        {
            asked = [.. Enumerable.Range(0, 40).Select(number => people[number % people.Length].GetAsync(Report))];
            var call = new OpenCall
            {
                Id = Guid.CreateVersion7(),
                RequestId = Guid.CreateVersion7(),
                UserId = people[0].Id,
                OrgId = people[0].Organisation,
                Operation = UsageOperation.Chat,
                ModelAlias = "chat-default",
                ReservedPromptTokens = 1,
                ReservedCompletionTokens = 1,
            };

            await opener.OpenAsync(call, Cancellation);
            await writer.WriteAsync(
                new UsageEvent
                {
                    Id = call.Id,
                    RequestId = call.RequestId,
                    UserId = call.UserId,
                    OrgId = call.OrgId,
                    Operation = call.Operation,
                    ModelAlias = "chat-default",
                    PromptTokens = 1,
                    CompletionTokens = 1,
                    Source = UsageSource.Provider,
                    Outcome = UsageOutcome.Completed,
                    DurationMs = 1,
                },
                Cancellation);
            await fixture.RegisterAsync();

            Assert.Equal(0, fixture.Api.Services.GetRequiredService<SpoolFile>().Count);
            Assert.Equal(0, fixture.Api.Services.GetRequiredService<PostgresState>().Busy);
        }

        Assert.All(await Task.WhenAll(asked), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Fact]
    public async Task accounts_and_ledger_share_the_connections_of_contexts()
    {
        await using var api = new ApiFactory(fixture.Gateway.BaseUrl) { Ledger = $"{await PostgresFixture.Shared.CreateDatabaseAsync()};Maximum Pool Size=1" };
        using var scope = api.Services.CreateScope();

        Assert.Equal(
            await BackendAsync(scope.ServiceProvider.GetRequiredService<LedgerContext>()), await BackendAsync(scope.ServiceProvider.GetRequiredService<TenantContext>()));
    }

    private static async Task<int> BackendAsync(DbContext context) =>
        (await context.Database.SqlQuery<int>($"SELECT pg_backend_pid() AS \"Value\"").ToListAsync(Cancellation))[0];

    private async Task<IAsyncDisposable> LockAsync()
    {
        var connection = new NpgsqlConnection(fixture.Database);
        await connection.OpenAsync(Cancellation);
        var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var command = new NpgsqlCommand("LOCK TABLE ledger.usage_day, ledger.llm_price", connection, transaction);
        await command.ExecuteNonQueryAsync(Cancellation);
        return connection;
    }
}
