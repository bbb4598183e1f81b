using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using LlmAspire.TestPostgres;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace LlmAspire.Api.Tests.Traces;

/// <summary>A listener of another test records what this Api would not.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

/// <summary>Traces hold what people did.</summary>
[Collection<Alone>]
public sealed class BackgroundTraceTests
{
    private const string Often = "00:00:00.02";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task what_the_api_does_by_itself_and_when_it_is_probed_is_in_no_trace()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var spans = new SpanCollector();
        var database = await PostgresFixture.Shared.CreateDatabaseAsync();
        await using var api = new ApiFactory(gateway.BaseUrl)
        {
            Ledger = database,
            Settings = { ["Gateway:CatalogRefresh"] = Often, ["Usage:LivenessInterval"] = Often, ["Chat:InterruptedAfter"] = "00:00:01" },
            Replace = services => services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(spans)),
        };
        var client = await api.CreateReadyClientAsync();

        var asked = gateway.CatalogRequests.Count;
        var reports = new HashSet<DateTime>();
        await using var source = NpgsqlDataSource.Create(database);
        await Until.TrueAsync(async () =>
        {
            foreach (var probe in new[] { "/health", "/alive" })
            {
                using var answer = await client.GetAsync(probe, Token);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }

            await using var command = source.CreateCommand("SELECT max(reported_at) FROM ledger.api_instance");
            if (await command.ExecuteScalarAsync(Token) is DateTime reported)
            {
                reports.Add(reported);
            }

            return reports.Count > 5 && gateway.CatalogRequests.Count > asked + 15;
        });
        Assert.Empty(spans.Ended);

        // It would hear of what somebody does.
        using var anybody = await client.GetAsync("/identity/me", Token);
        Assert.Equal(HttpStatusCode.Unauthorized, anybody.StatusCode);
        await Until.TrueAsync(() => spans.Ended.Any(span => span.DisplayName == "GET /identity/me"));
    }

    private sealed class SpanCollector : BaseProcessor<Activity>
    {
        public ConcurrentQueue<Activity> Ended { get; } = new();

        public override void OnEnd(Activity data)
        {
            if (data.Recorded)
            {
                Ended.Enqueue(data);
            }
        }
    }
}
