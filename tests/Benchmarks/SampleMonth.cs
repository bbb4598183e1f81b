using LlmAspire.Usage;
using LlmAspire.UsageWorker.Demo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Benchmarks;

/// <summary>
/// Gives the demo organisations of a running stack a <see cref="DemoMonth"/> that tries what pages can show: many calls, people and models, prices that change, one that is missing,
/// names of every length. The calls go the way of all calls: into the inbox, from where the stack's worker takes them.
/// </summary>
public sealed class SampleMonth(string connectionString, TimeProvider time)
{
    private const int WrittenAtOnce = 2_000;
    private const int WorkingDays = 22;

    private static readonly Guid Demo = new("0195f000-0000-7000-8000-00000000de30");
    private static readonly Guid Rival = new("0195f000-0000-7000-8000-00000000de31");

    private static readonly Model[] Models =
    [
        // The gateway's own, by its prices.
        new("chat-default", "openai", "gpt-6-luna", 30),
        new("claude-default", "anthropic", "claude-sonnet-5-5", 22),
        new("gemini-default", "gemini", "gemini-3.6-flash", 12),
        new("mistral-default", "mistral", "mistral-medium-latest", 7),
        new("strong-reasoning", "openai", "gpt-6.1-sol", 6, Reasons: true),
        new("gpt-6-nano", "openai", "gpt-6-nano", 9, 0.05m, 0.4m),
        new("gpt-6-eu", "azure", "gpt-6-luna-eu-swedencentral", 5, 1.4m, 11m),
        new("claude-haiku", "anthropic", "claude-haiku-5", 6, 0.8m, 4m),
        new("claude-opus", "anthropic", "claude-opus-5-5", 2, 12m, 60m, Reasons: true),
        new("gemini-pro", "vertex_ai", "gemini-3.6-pro", 3, 1.25m, 10m, Reasons: true),
        new("bedrock-claude", "bedrock", "eu.anthropic.claude-sonnet-5-5-20260901-v1:0", 3, 3m, 15m),
        new("llama", "groq", "llama-5-70b-versatile", 4, 0.59m, 0.79m),
        new("deepseek", "deepseek", "deepseek-chat-v4", 4, 0.27m, 1.1m),
        new("qwen", "together_ai", "qwen4-235b-a22b-instruct-turbo", 2, 0.2m, 0.6m),
        new("grok", "xai", "grok-6", 2, 3m, 15m),
        new("command", "cohere", "command-a-2026", 1, 2.5m, 10m),
        new("sonar", "perplexity", "sonar-pro-2", 1, 3m, 15m),
        new("codestral", "mistral", "codestral-2026-10", 2, 0.3m, 0.9m),
        new("voice", "openai", "gpt-6-audio", 1, 2.5m, 10m),
        // Nobody has said what it costs.
        new("support-finetune-of-the-customer-success-team", "hosted_vllm", "qwen4-32b-support-finetune-2026-09-30-awq-int4", 3),
    ];

    private static readonly string[] Colleagues =
    [
        "ada@demo.local", "grace.hopper@demo.local", "maximiliane.von-und-zu-hohenstein-wallenberg@research.demo.local", "li@demo.local", "noor@demo.local", "o.k@demo.local",
        "build-agent@demo.local", "sofia.papadopoulou@demo.local",
    ];

    /// <param name="count">Of calls, about.</param>
    /// <returns>How many there are.</returns>
    public async Task<int> FillAsync(int count, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:llm"] = connectionString;
        builder.Configuration["Spool:Directory"] = Directory.CreateTempSubdirectory("llmaspire-sample-").FullName;
        builder.Configuration["Usage:PostgresPatience"] = "00:01:00";
        builder.AddLedger();
        builder.AddUsageWriters();
        using var host = builder.Build();
        await host.StartAsync(cancellationToken);
        await host.Services.GetRequiredService<ILedgerReadiness>().WhenReadyAsync(cancellationToken);
        var source = host.Services.GetRequiredService<NpgsqlDataSource>();
        await SavePricesAsync(new PriceRegistry(source, time), cancellationToken);
        var month = new DemoMonth([.. Models.Select(model => model.Called)], count / WorkingDays);
        List<UsageEvent> calls = [.. month.Calls(await HireAsync(source, cancellationToken), time.GetUtcNow())];
        var writer = host.Services.GetRequiredService<IUsageEventWriter>();
        foreach (var some in calls.Chunk(WrittenAtOnce))
        {
            await Task.WhenAll(some.Select(call => writer.WriteAsync(call, cancellationToken)));
        }

        await WaitAsync(source, calls, cancellationToken);
        await host.StopAsync(cancellationToken);
        return calls.Count;
    }

    /// <summary>People to share the demo organisations with. They cannot sign in.</summary>
    private static async Task<List<DemoPerson>> HireAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var hire = source.CreateCommand(
            """
            INSERT INTO tenant.account (
                id, organisation_id, role, is_operator, created_at, user_name, normalized_user_name, email, normalized_email, email_confirmed,
                phone_number_confirmed, two_factor_enabled, lockout_enabled, access_failed_count)
            SELECT gen_random_uuid(), $1, 'member', false, now(), mail, upper(mail), mail, upper(mail), true, false, false, true, 0 FROM unnest($2) AS mail
            ON CONFLICT DO NOTHING
            """);
        hire.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Demo });
        hire.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Colleagues, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        await hire.ExecuteNonQueryAsync(cancellationToken);
        await using var all = source.CreateCommand("SELECT id, organisation_id FROM tenant.account WHERE organisation_id = ANY($1) ORDER BY email");
        all.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [Demo, Rival] });
        List<DemoPerson> people = [];
        await using var reader = await all.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            people.Add(new DemoPerson(reader.GetGuid(0), reader.GetGuid(1), Plan: 2));
        }

        return people.Count > 0 ? people : throw new InvalidOperationException("There are no demo accounts: this is for a stack in Development.");
    }

    private async Task SavePricesAsync(PriceRegistry prices, CancellationToken cancellationToken)
    {
        var start = new DateTimeOffset(time.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero).AddDays(-DemoMonth.Days);
        await SaveAsync("list prices", model => model.Input is { } input ? Prices(model, start.AddDays(-30), input, model.Output!.Value) : []);
        await SaveAsync("contract of the quarter", model => model.Provider == "anthropic" && model.Input is { } input
            ? Prices(model, start.AddDays(14).AddHours(9), 0.9m * input, 0.9m * model.Output!.Value) : []);
        await SaveAsync("announced for the new year", model => model.Alias == "grok" ? Prices(model, start.AddDays(DemoMonth.Days + 20), 2m, 10m) : []);

        async Task SaveAsync(string reason, Func<Model, IEnumerable<PriceEntry>> entries) => await prices.SaveAsync(
            PriceSource.Import, "operator@demo.local", reason, [.. Models.SelectMany(entries)], null, acceptImplausible: true, cancellationToken);
    }

    private static IEnumerable<PriceEntry> Prices(Model model, DateTimeOffset from, decimal input, decimal output) =>
    [
        new(model.Provider, model.Name, TokenClasses.Input, from, input),
        new(model.Provider, model.Name, TokenClasses.CachedInput, from, input / 10),
        new(model.Provider, model.Name, TokenClasses.Output, from, output),
    ];

    private static async Task WaitAsync(NpgsqlDataSource source, List<UsageEvent> calls, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT count(*) FROM ledger.llm_usage WHERE id = ANY($1)");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. calls.Select(call => call.Id)] });
        while ((long)(await command.ExecuteScalarAsync(cancellationToken))! < calls.Count)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }
    }

    /// <param name="Weight">How much it is used.</param>
    /// <param name="Input">USD per million tokens; null for one whose price the gateway knows, or nobody.</param>
    private sealed record Model(string Alias, string Provider, string Name, int Weight, decimal? Input = null, decimal? Output = null, bool Reasons = false)
    {
        public DemoModel Called => new(Alias, Provider, Name, Weight, Reasons: Reasons);
    }
}
