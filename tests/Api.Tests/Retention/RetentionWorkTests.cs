using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Data;
using LlmAspire.Api.Retention;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Tests.Retention;

/// <summary>What the Api deletes by itself.</summary>
public class RetentionWorkTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task invitations_and_keys_that_are_over_for_long_are_deleted_and_others_stay()
    {
        var admin = await fixture.RegisterAsync();
        var open = await admin.InviteAsync();
        await fixture.RegisterAsync(await admin.InviteAsync());
        await admin.InviteAsync();
        string[] keys = [await MakeKeyAsync(admin), await MakeKeyAsync(admin), await MakeKeyAsync(admin), await MakeKeyAsync(admin)];
        using (await admin.SendAsync(HttpMethod.Delete, $"/identity/api-keys/{keys[0]}"))
        using (await admin.SendAsync(HttpMethod.Delete, $"/identity/api-keys/{keys[1]}"))
        {
            // One of the two was revoked long ago, and a third has expired so.
            await ExecuteAsync($"UPDATE tenant.api_key SET revoked_at = now() - interval '91 days' WHERE id = '{keys[0]}'");
            await ExecuteAsync($"UPDATE tenant.api_key SET expires_at = now() - interval '91 days' WHERE id = '{keys[2]}'");
        }

        // The one that was used, and one of the other two.
        await ExecuteAsync($"UPDATE tenant.invitation SET used_at = now() - interval '31 days' WHERE organisation_id = '{admin.Organisation}' AND used_at IS NOT NULL");
        await ExecuteAsync($"""
            UPDATE tenant.invitation SET expires_at = now() - interval '31 days'
            WHERE id = (SELECT max(id::text)::uuid FROM tenant.invitation WHERE organisation_id = '{admin.Organisation}' AND used_at IS NULL)
            """);

        await using var api = fixture.CreateApi();
        using var client = await api.CreateReadyClientAsync();
        await Until.TrueAsync(async () => await CountAsync("invitation", $"organisation_id = '{admin.Organisation}'") == 1 && await CountAsync("api_key", $"account_id = '{admin.Id}'") == 2);

        using var listed = await admin.GetAsync("/identity/api-keys");
        Assert.Equal([keys[3], keys[1]], (await listed.ReadAsync()).EnumerateArray().Select(key => key.GetProperty("id").GetString()));
        await fixture.RegisterAsync(open);
        // By one of the two processes.
        await Until.TrueAsync(() => fixture.Api.Logs.Entries.Concat(api.Logs.Entries).Any(
            entry => entry.Level == LogLevel.Information && entry.Text.Contains("API keys that were revoked or had expired more than 90 days ago", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task several_processes_delete_each_row_once_in_small_transactions()
    {
        const int Rows = (3 * OldRows.LargestBatch) + 1;
        var organisation = (await fixture.RegisterAsync()).Organisation;
        await ExecuteAsync($"""
            INSERT INTO tenant.invitation (id, organisation_id, token_hash, role, created_at, expires_at)
            SELECT gen_random_uuid(), '{organisation}', sha256(('{organisation}' || number)::bytea), 'member', now(), '2090-01-01' FROM generate_series(1, {Rows}) AS number
            """);
        // Of the other test too. To come: what the Api deletes by itself meanwhile is older.
        var all = await CountAsync("invitation", "true");
        var before = new DateTimeOffset(2091, 1, 1, 0, 0, 0, TimeSpan.Zero);
        // Somebody has one of them: nobody waits for it.
        await using var holder = new NpgsqlConnection(fixture.Database);
        await holder.OpenAsync(Token);
        await using var transaction = await holder.BeginTransactionAsync(Token);
        await using (var hold = new NpgsqlCommand($"SELECT FROM tenant.invitation WHERE organisation_id = '{organisation}' LIMIT 1 FOR UPDATE", holder))
        {
            await hold.ExecuteNonQueryAsync(Token);
        }

        var removed = 0L;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RemoveAsync()));
        // Of those that were locked while others looked, some may be left.
        await RemoveAsync();

        Assert.Equal(all - 1, removed);
        Assert.Equal(1, await CountAsync("invitation", "true"));

        Task RemoveAsync() => OldRows.RemoveAsync(
            fixture.Api.Services.GetRequiredService<NpgsqlDataSource>(), TenantTables.Invitations, before, count => Interlocked.Add(ref removed, count), Token);
    }

    [Theory]
    [InlineData("RunEvents", "-00:00:01")]
    [InlineData("RunEvents", "366.00:00:00")]
    [InlineData("Invitations", "-1.00:00:00")]
    [InlineData("ApiKeys", "40000.00:00:00")]
    [InlineData("Interval", "00:00:00")]
    public void a_setting_that_is_not_possible_is_refused_at_the_start(string setting, string value)
    {
        using var api = new ApiFactory(fixture.Gateway.BaseUrl) { Settings = { [$"Retention:{setting}"] = value } };

        var refused = Assert.Throws<OptionsValidationException>(api.CreateClient);

        Assert.Equal([RetentionOptions.WhatIsPossible], refused.Failures);
    }

    private static async Task<string> MakeKeyAsync(Person person)
    {
        using var made = await person.SendAsync(HttpMethod.Post, "/identity/api-keys", new { name = "a" });
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        return (await made.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("id").GetString()!;
    }

    private Task<long> CountAsync(string table, string where) => fixture.QueryAsync<long>($"SELECT count(*) FROM tenant.{table} WHERE {where}");

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(fixture.Database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }
}
