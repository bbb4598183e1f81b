using System.Text.RegularExpressions;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Commands;
using LlmAspire.UsageWorker.Demo;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;

namespace LlmAspire.UsageWorker.Tests;

public sealed partial class DemoMonthTests(PostgresFixture postgres)
{
    /// <summary>A month of the basic plan has two million tokens.</summary>
    private const long HalfOfTheBasicPlan = 1_000_000;

    private static readonly Guid Demo = new("0195f000-0000-7000-8000-00000000de30");

    /// <summary>A table each, as the Api's migrations make them, with what the command reads.</summary>
    private static readonly string Accounts = $"""
        CREATE SCHEMA tenant;
        CREATE TABLE tenant.organisation (id uuid, plan text);
        CREATE TABLE tenant.account (id uuid, organisation_id uuid, plan text, created_at timestamptz);
        INSERT INTO tenant.organisation VALUES ('{Demo}', 'pro'), ('{Guid.NewGuid()}', 'pro');
        INSERT INTO tenant.account
        SELECT gen_random_uuid(), id, unnest(ARRAY['basic', NULL, 'enterprise']), now() FROM tenant.organisation
        """;

    private static readonly DateTimeOffset Now = new(2026, 11, 30, 14, 20, 0, TimeSpan.Zero);

    private static readonly DemoPerson[] People = [.. Enumerable.Range(0, 4).Select(plan => new DemoPerson(Guid.NewGuid(), Demo, Math.Min(plan, 2)))];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void the_models_are_those_of_the_gateways_configuration()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "litellm", "config.yaml")))
        {
            folder = folder.Parent!;
        }

        var config = LiteLlmConfigReader.ReadFile(Path.Combine(folder.FullName, "litellm", "config.yaml"), name => name);

        string[] plans = ["basic", "pro", "enterprise"];
        Assert.Equal(
            config.Deployments.Select(deployment =>
                (deployment.Alias, deployment.Provider, deployment.Model, (string)deployment.ModelInfo["required_plan"]!, deployment.LiteLlmParams.ContainsKey("reasoning_effort"))).Distinct(),
            DemoModel.All.Select(model => (model.Alias, model.Provider, model.Name, plans[model.Plan], model.Reasons)));
    }

    [Fact]
    public void the_month_is_of_office_hours_and_has_every_kind_of_call()
    {
        UsageEvent[] calls = [.. new DemoMonth(DemoModel.All).Calls(People, Now)];

        Assert.InRange(calls.Length, 400, 1_000);
        Assert.Equal(calls.Length, calls.DistinctBy(call => call.Id).Count());
        Assert.All(calls, call => Assert.InRange(call.CreatedAt, Now.AddDays(-30), Now));
        Assert.True(Average(day => day.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday) < Average(day => day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday)) / 3);
        Assert.True(calls.Count(call => call.CreatedAt.Hour is >= 7 and < 17) > calls.Length * 3 / 4);
        Assert.Equal(Enum.GetValues<UsageOutcome>(), calls.Select(call => call.Outcome).Distinct().Order());
        Assert.Equal(Enum.GetValues<UsageSource>(), calls.Select(call => call.Source).Distinct().Order());
        Assert.Equal(Enum.GetValues<UsageOperation>(), calls.Select(call => call.Operation).Distinct().Order());
        Assert.Equal(DemoModel.All.Select(model => model.Alias).Order(), calls.Select(call => call.ModelAlias).Distinct().Order());
        Assert.InRange(calls.Count(call => call.Outcome == UsageOutcome.Completed), calls.Length * 85 / 100, calls.Length - 10);

        double Average(Func<DateTimeOffset, bool> isIt) =>
            calls.Where(call => isIt(call.CreatedAt)).GroupBy(call => call.CreatedAt.Date).Select(day => day.Count()).DefaultIfEmpty().Average();
    }

    [Fact]
    public void nobody_calls_a_model_that_the_plan_does_not_have()
    {
        var plans = People.ToDictionary(person => person.Id, person => person.Plan);
        var models = DemoModel.All.ToDictionary(model => model.Alias);

        Assert.All(new DemoMonth(DemoModel.All).Calls(People, Now), call => Assert.True(models[call.ModelAlias].Plan <= plans[call.UserId]));
    }

    [Fact]
    public void what_two_months_have_in_common_are_the_same_calls()
    {
        var month = new DemoMonth(DemoModel.All);
        var (today, inAWeek) = (month.Calls(People, Now).ToList(), month.Calls(People, Now.AddDays(7)).ToList());
        var withOthers = month.Calls([.. People, new DemoPerson(Guid.NewGuid(), Demo, 0)], Now).Select(call => call.Id);

        var (from, until) = (Now.AddDays(-23), Now.AddHours(-1));
        Assert.Equal(today.Where(IsCommon).Select(call => (call.Id, call.UserId, call.PromptTokens)), inAWeek.Where(IsCommon).Select(call => (call.Id, call.UserId, call.PromptTokens)));
        Assert.Contains(today, IsCommon);
        Assert.Superset(today.Where(IsCommon).Select(call => call.Id).ToHashSet(), withOthers.ToHashSet());

        bool IsCommon(UsageEvent call) => call.CreatedAt >= from && call.CreatedAt < until;
    }

    [Fact]
    public void half_of_what_the_basic_plan_allows_is_left_in_every_month()
    {
        // Filled every day for two years.
        var calls = Enumerable.Range(0, 25).SelectMany(month => new DemoMonth(DemoModel.All).Calls(People, Now.AddDays(30 * month))).DistinctBy(call => call.Id);

        Assert.All(
            calls.GroupBy(call => (call.CreatedAt.Year, call.CreatedAt.Month)).Select(month => month.Sum(call => call.PromptTokens + call.CompletionTokens)),
            tokens => Assert.InRange(tokens, 1, HalfOfTheBasicPlan));
    }

    [Fact]
    public async Task it_goes_through_the_inbox_into_the_ledger_once_and_the_sums_agree()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var host = await WorkerHost.StartAsync(connectionString);
        await host.ScalarAsync(Accounts);

        var (exitCode, output, error) = await RunAsync(connectionString);
        Assert.Equal((0, ""), (exitCode, error));
        var written = int.Parse(Wrote().Match(output).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == written);
        var rows = await host.RowIdsAsync();
        var (again, repeated, _) = await RunAsync(connectionString);

        Assert.Equal(0, again);
        // Where a call has ended meanwhile, it is written.
        Assert.Matches(@"^(The ledger has all \d+ calls of the demo month\.|Wrote \d of the )", repeated);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT count(*) FROM ledger.usage_inbox") is 0L);
        Assert.InRange((await host.RowIdsAsync()).Length, rows.Length, rows.Length + 9);
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_rejected"));
        Assert.Equal(0L, await host.ScalarAsync($"SELECT count(*) FROM ledger.llm_usage WHERE org_id <> '{Demo}'"));
        Assert.Empty(await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_month_whose_rows_were_dropped_gets_none_again()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var host = await WorkerHost.StartAsync(connectionString, worker: false);
        await host.ScalarAsync(Accounts);
        await host.ScalarAsync("INSERT INTO ledger.usage_retention (id, dropped_before) VALUES (true, now() - interval '10 days')");

        Assert.Equal(0, (await RunAsync(connectionString)).ExitCode);

        Assert.Equal(true, await host.ScalarAsync("SELECT min(ledger.uuid_v7_time(id)) >= now() - interval '10 days' FROM ledger.usage_inbox"));
    }

    [Fact]
    public async Task what_cannot_be_done_says_why_in_one_line()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var host = await WorkerHost.StartAsync(connectionString, worker: false);

        Assert.Equal(
            (2, "", "The command demo-month runs in Development only: this is Production, whose ledger holds facts.\n"),
            await RunAsync(connectionString, Environments.Production));
        Assert.Equal(
            (2, "", "There are no demo accounts: the Api makes them when it starts in Development without another sign-in.\n"),
            await RunAsync(connectionString));
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_inbox"));
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string connectionString, string? environment = null)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:llm", connectionString)]).Build();
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        var command = new LedgerCommand(configuration, new HostingEnvironment { EnvironmentName = environment ?? Environments.Development }, output, error);
        var exitCode = await command.RunAsync("demo-month", Cancellation);
        return (exitCode, output.ToString(), error.ToString());
    }

    [GeneratedRegex(@"^Wrote (\d+) of the \d+ calls of the demo month into the inbox; the worker books them now\.\n$")]
    private static partial Regex Wrote();
}
