using System.Net;
using System.Text;
using System.Text.Json;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>An Api whose PostgreSQL is its own, to be stopped, and whose spool can be refused its place.</summary>
public sealed class OwnPostgres : OpenAiFixture
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("openai-outage-");

    protected override PostgresFixture Postgres { get; } = PostgresFixture.CreateDurable();

    protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["Spool:Directory"] = Spool,
        ["Usage:PostgresPatience"] = "00:00:00.500",
        ["Usage:SettleTimeout"] = "00:00:02",
        ["Usage:ProbeInterval"] = "00:00:00.050",
    };

    private string Spool => Path.Combine(_folder.FullName, "spool");

    /// <summary>Where the folder of the spool would be, is a file. What another test left there is replayed before.</summary>
    internal async Task RefuseSpoolAsync()
    {
        if (Directory.Exists(Spool))
        {
            await Until.TrueAsync(() => Directory.GetFiles(Spool).Length == 0);
            Directory.Delete(Spool);
        }

        await File.WriteAllTextAsync(Spool, "", TestContext.Current.CancellationToken);
    }

    /// <summary>Back to how it was, for the next test.</summary>
    internal void AllowSpool() => File.Delete(Spool);

    internal async Task StopPostgresAsync() => await (await Postgres.GetServerAsync()).StopAsync(PostgresStopMode.Immediate);

    internal async Task StartPostgresAsync()
    {
        await (await Postgres.GetServerAsync()).StartAsync(TestContext.Current.CancellationToken);
        await Until.TrueAsync(async () => await HealthAsync() == HttpStatusCode.OK);
    }

    internal async Task<HttpStatusCode> HealthAsync()
    {
        using var health = await Client.GetAsync("/health", TestContext.Current.CancellationToken);
        return health.StatusCode;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Postgres.DisposeAsync();
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }
}

/// <summary>What a program sees when its answer, or its next call, cannot be written down.</summary>
public sealed class OutageTests(OwnPostgres stack) : IClassFixture<OwnPostgres>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task an_answer_that_nothing_takes_ends_with_an_error_and_not_with_done_and_is_a_row_later()
    {
        var key = await stack.CreateKeyAsync();
        var hold = $"outage-{key.Id:N}";
        using var streamed = await stack.PostAsync(key, Ask(hold, stream: true));
        using var reader = await ReadHalfAsync(streamed);
        var plain = stack.PostAsync(key, Ask(hold, stream: false));
        await Until.TrueAsync(async () => (await stack.Gateway.CallsAsync()).Count(call => !call.GetProperty("finished").GetBoolean()) == 2);

        await stack.RefuseSpoolAsync();
        await stack.StopPostgresAsync();
        await stack.Gateway.ReleaseAsync(hold);

        var rest = Data(await reader.ReadToEndAsync(Token));
        var error = JsonDocument.Parse(rest[^1]).RootElement.GetProperty("error");
        Assert.Equal(("ledger_unavailable", "server_error"), (error.GetProperty("code").GetString(), error.GetProperty("type").GetString()));
        Assert.DoesNotContain("[DONE]", rest);
        Assert.Equal(20, rest.Count(data => data.Contains("\"content\"", StringComparison.Ordinal)));
        using (var refused = await plain)
        {
            await refused.IsErrorAsync(HttpStatusCode.ServiceUnavailable, "ledger_unavailable", "server_error");
            Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        }

        // Nothing new is sent to a model, and nobody is sent here.
        var before = (await stack.Gateway.CallsAsync()).Length;
        using (var next = await stack.PostAsync(key, Ask(hold, stream: true)))
        {
            await next.IsErrorAsync(HttpStatusCode.ServiceUnavailable, "ledger_unavailable", "server_error");
            Assert.NotNull(next.Headers.RetryAfter?.Delta);
        }

        Assert.Equal(before, (await stack.Gateway.CallsAsync()).Length);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await stack.HealthAsync());

        // It waited in memory.
        await stack.StartPostgresAsync();
        Assert.All(await stack.RowsAsync(key, 2), row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider, 40), (row.Outcome, row.Source, row.CompletionTokens)));
        using var after = await stack.PostAsync(key, Ask(hold, stream: true));
        Assert.Equal("[DONE]", Data(await after.Content.ReadAsStringAsync(Token))[^1]);
        await stack.RowsAsync(key, 3);
        stack.AllowSpool();
    }

    [Fact]
    public async Task an_answer_that_the_spool_takes_ends_with_done_and_the_next_call_is_made()
    {
        var key = await stack.CreateKeyAsync();
        var hold = $"spool-{key.Id:N}";
        using var streamed = await stack.PostAsync(key, Ask(hold, stream: true));
        using var reader = await ReadHalfAsync(streamed);

        await stack.StopPostgresAsync();
        await stack.Gateway.ReleaseAsync(hold);

        Assert.Equal("[DONE]", Data(await reader.ReadToEndAsync(Token))[^1]);
        // Who was served shortly before is known.
        using var next = await stack.PostAsync(key, Ask(hold, stream: true));
        Assert.Equal("[DONE]", Data(await next.Content.ReadAsStringAsync(Token))[^1]);
        await stack.StartPostgresAsync();
        Assert.All(await stack.RowsAsync(key, 2), row => Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source)));
    }

    private static object Ask(string hold, bool stream) => new
    {
        model = "chat-default",
        stream,
        messages = new[] { new { role = "user", content = $"Tell me of rain <<demo length=40 hold={hold}@20>>" } },
    };

    private static async Task<StreamReader> ReadHalfAsync(HttpResponseMessage response)
    {
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token), Encoding.UTF8);
        for (var said = 0; said < 20;)
        {
            said += (await reader.ReadLineAsync(Token))!.Contains("\"content\"", StringComparison.Ordinal) ? 1 : 0;
        }

        return reader;
    }

    private static List<string> Data(string text) =>
        [.. text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line["data: ".Length..])];
}
