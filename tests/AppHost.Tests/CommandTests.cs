using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.AppHost.Tests;

/// <summary>The commands of the dashboard, executed on a stack that runs. They share it, so each begins with what it needs.</summary>
public sealed class CommandTests(CommandFixture stack) : IClassFixture<CommandFixture>
{
    private const string Worker = "usage-worker";
    private const string Database = "llm";
    private const string SumsAgree = "The roll-ups and allowances are what the rows add up to.";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task verify_says_that_the_sums_agree_and_its_output_is_in_the_console_log()
    {
        var result = await ExecuteAsync(Worker, "verify-ledger");

        Assert.Equal((true, SumsAgree), (result.Success, result.Message));
        Assert.Equal((true, SumsAgree), (result.Data!.DisplayImmediately, result.Data.Value.Trim()));
        await stack.WaitForConsoleLineAsync(Worker, line => line.Contains(SumsAgree, StringComparison.Ordinal), Cancellation);
    }

    [Fact]
    public async Task verify_shows_a_sum_that_differs_and_rebuild_mends_it()
    {
        await ChatAsync("pro");
        await WaitAsync("SELECT count(*) > 0 FROM ledger.usage_rollup_org");
        await ScalarAsync("UPDATE ledger.usage_rollup_org SET prompt_tokens = prompt_tokens + 7 WHERE ctid = (SELECT min(ctid) FROM ledger.usage_rollup_org)");

        var differs = await ExecuteAsync(Worker, "verify-ledger");
        var rebuilt = await ExecuteAsync(Worker, "rebuild-sums");
        var agrees = await ExecuteAsync(Worker, "verify-ledger");

        Assert.False(differs.Success);
        Assert.Contains("differ from the rows. The command rebuild makes them again.", differs.Message, StringComparison.Ordinal);
        Assert.True(differs.Data!.DisplayImmediately);
        Assert.Contains("usage_rollup_org (", differs.Data.Value, StringComparison.Ordinal);
        Assert.True(rebuilt.Success, rebuilt.Message);
        Assert.Matches("^Made [0-9]+ sums again.$", rebuilt.Message);
        Assert.Equal((true, SumsAgree), (agrees.Success, agrees.Message));
    }

    [Fact]
    public async Task the_demo_month_is_there_once_however_often_it_is_filled_and_everybody_can_go_on_chatting()
    {
        var count = $"SELECT count(*) FROM ledger.llm_usage WHERE created_at < '{DateTimeOffset.UtcNow.AddDays(-1):O}'";

        var first = await ExecuteAsync(Worker, "demo-month");
        await WaitAsync("SELECT NOT EXISTS (SELECT FROM ledger.usage_inbox)");
        var rows = await ScalarAsync(count);
        var second = await ExecuteAsync(Worker, "demo-month");
        await WaitAsync("SELECT NOT EXISTS (SELECT FROM ledger.usage_inbox)");

        Assert.True(first.Success, first.Message);
        Assert.Matches("^Wrote [0-9]+ of the [0-9]+ calls of the demo month into the inbox; the worker books them now.$", first.Message);
        Assert.InRange((long)rows!, 300, 2_000);
        Assert.True(second.Success, second.Message);
        Assert.Equal(rows, await ScalarAsync(count));
        Assert.Equal(0L, await ScalarAsync("SELECT count(*) FROM ledger.usage_rejected"));
        Assert.Equal((true, SumsAgree), await ExecuteAsync(Worker, "verify-ledger") is var verified ? (verified.Success, verified.Message) : default);
        foreach (var account in (string[])["basic", "pro", "enterprise", "rival"])
        {
            await ChatAsync(account);
        }
    }

    [Fact]
    public async Task reset_leaves_no_row_no_spool_and_no_record_and_a_chat_works_after_it()
    {
        await ChatAsync("pro");
        await WaitAsync("SELECT count(*) > 0 FROM ledger.llm_usage");
        var leftover = Path.Combine(stack.SpoolDirectory, "of-before.spool");
        Directory.CreateDirectory(stack.SpoolDirectory);
        await File.WriteAllTextAsync(leftover, "usage of the ledger that goes", Cancellation);

        var result = await ExecuteAsync(Database, "reset-data");

        Assert.True(result.Success, result.Message);
        Assert.Equal(0L, await ScalarAsync("SELECT count(*) FROM ledger.llm_usage"));
        Assert.Equal(0L, await ScalarAsync("SELECT count(*) FROM tenant.conversation"));
        // The Api puts one aside that it cannot read.
        Assert.False(Directory.Exists(stack.SpoolDirectory) && Directory.EnumerateFiles(stack.SpoolDirectory, "of-before*").Any());
        Assert.Equal(0, new FileInfo(stack.ServedPath).Length);
        // One that is new has to be dropped as well.
        Assert.Equal("ledger, tenant", await ScalarAsync(
            "SELECT string_agg(nspname, ', ' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')"));
        await ChatAsync("pro");
        await WaitAsync("SELECT count(*) > 0 FROM ledger.llm_usage");
        Assert.Equal((true, SumsAgree), await ExecuteAsync(Worker, "verify-ledger") is var verified ? (verified.Success, verified.Message) : default);
    }

    [Fact]
    public async Task a_reset_that_cannot_drop_the_tables_deletes_nothing_and_starts_the_services_again()
    {
        await ChatAsync("pro");
        await WaitAsync("SELECT count(*) > 0 FROM ledger.llm_usage");
        await using var connection = await stack.OpenDatabaseAsync(Cancellation);
        await using var reading = await connection.BeginTransactionAsync(Cancellation);
        await using var read = new NpgsqlCommand("SELECT count(*) FROM ledger.llm_usage", connection);
        var rows = await read.ExecuteScalarAsync(Cancellation);

        var result = await ExecuteAsync(Database, "reset-data");
        await reading.RollbackAsync(Cancellation);

        Assert.False(result.Success);
        Assert.Contains("lock timeout", result.Message, StringComparison.Ordinal);
        Assert.True((long)(await ScalarAsync("SELECT count(*) FROM ledger.llm_usage"))! >= (long)rows!);
        Assert.NotEqual(0, new FileInfo(stack.ServedPath).Length);
        await ChatAsync("pro");
    }

    [Fact]
    public async Task commands_say_what_they_do_and_those_that_change_data_ask_before()
    {
        var worker = await stack.App.ResourceNotifications.WaitForResourceHealthyAsync(Worker, Cancellation);
        var database = await stack.App.ResourceNotifications.WaitForResourceAsync(
            Database, changed => changed.Snapshot.State?.Text == KnownResourceStates.Running, Cancellation);

        foreach (var (snapshot, name, asks) in (IEnumerable<(CustomResourceSnapshot, string, bool)>)
            [(worker.Snapshot, "verify-ledger", false), (worker.Snapshot, "rebuild-sums", true), (worker.Snapshot, "demo-month", true), (database.Snapshot, "reset-data", true)])
        {
            var command = snapshot.Commands.Single(command => command.Name == name);
            Assert.Equal((name, ResourceCommandState.Enabled), (command.Name, command.State));
            Assert.False(string.IsNullOrEmpty(command.DisplayDescription));
            Assert.False(string.IsNullOrEmpty(command.IconName));
            Assert.Equal((name, asks), (name, command.ConfirmationMessage is not null));
        }
    }

    [Fact]
    public async Task without_postgres_the_commands_of_the_worker_are_disabled_and_a_reset_touches_nothing()
    {
        var worker = await stack.App.ResourceNotifications.WaitForResourceHealthyAsync(Worker, Cancellation);
        await using (var pooled = new NpgsqlConnection(await stack.App.GetConnectionStringAsync(Database, Cancellation)))
        {
            // It goes back to the pool of this process, and looks open there when its server has gone.
            await pooled.OpenAsync(Cancellation);
        }

        Assert.True((await ExecuteAsync("postgres", KnownResourceCommands.StopCommand)).Success);
        await WaitForCommandsAsync(ResourceCommandState.Disabled);

        var reset = await ExecuteAsync(Database, "reset-data");
        Assert.True((await ExecuteAsync("postgres", KnownResourceCommands.StartCommand)).Success);
        await WaitForCommandsAsync(ResourceCommandState.Enabled);

        Assert.False(reset.Success);
        Assert.False(string.IsNullOrEmpty(reset.Message));
        Assert.True(stack.App.ResourceNotifications.TryGetCurrentState(Worker, out var after));
        Assert.Equal(worker.Snapshot.StartTimeStamp, after.Snapshot.StartTimeStamp);
        await ChatAsync("pro");

        Task WaitForCommandsAsync(ResourceCommandState state) => stack.App.ResourceNotifications.WaitForResourceAsync(
            Worker,
            changed => changed.Snapshot.Commands.Where(command => command.Name is "verify-ledger" or "rebuild-sums" or "demo-month").All(command => command.State == state),
            Cancellation);
    }

    [Fact]
    public async Task the_front_end_has_a_link_to_the_chat_and_one_to_the_usage()
    {
        var web = await stack.App.ResourceNotifications.WaitForResourceHealthyAsync("web", Cancellation);

        var links = web.Snapshot.Urls.Where(url => !url.IsInternal).OrderByDescending(url => url.DisplayProperties.SortOrder).ToList();
        Assert.Equal(["Chat", "Usage"], links.Select(link => link.DisplayProperties.DisplayName));
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        Assert.Equal("/usage", new Uri(links[1].Url).AbsolutePath);
        using var answer = await client.GetAsync(links[1].Url, Cancellation);
        Assert.True((int)answer.StatusCode < 400, $"{links[1].Url} answers {answer.StatusCode}");
    }

    private Task<ExecuteCommandResult> ExecuteAsync(string resource, string command) =>
        stack.App.Services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(resource, command, Cancellation);

    private async Task ChatAsync(string account)
    {
        using var client = new HttpClient { BaseAddress = stack.Api };
        using var signedIn = await client.PostAsJsonAsync("/identity/login", new { email = $"{account}@demo.local", password = "Demo-1234!" }, Cancellation);
        var tokens = await signedIn.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        client.DefaultRequestHeaders.Authorization = new("Bearer", tokens.GetProperty("accessToken").GetString());
        using var response = await client.PostAsJsonAsync("/chat", new { message = "Hello" }, Cancellation);
        Assert.Contains("event: done", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = await stack.OpenDatabaseAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancellation);
    }

    private async Task WaitAsync(string condition)
    {
        while (await ScalarAsync(condition) is not true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), Cancellation);
        }
    }
}
