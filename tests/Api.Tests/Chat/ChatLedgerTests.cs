using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Api.Tests.Chat;

public class ChatLedgerTests
{
    [Fact]
    public async Task who_saw_done_finds_the_event_in_the_inbox_of_a_real_ledger()
    {
        await using var gateway = await TestGateway.StartAsync();
        var ledger = await PostgresFixture.Shared.ReserveDatabaseAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = ledger };
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.ChatAsync(new { message = "Hi" });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);
        do
        {
            Assert.True(await events.MoveNextAsync());
        }
        while (events.Current.Type != "usage");

        var shown = events.Current.Data;
        await using var source = NpgsqlDataSource.Create(ledger);
        await using var command = source.CreateCommand("SELECT id::text, prompt_tokens::text, outcome, traceparent FROM ledger.usage_inbox");
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        Assert.True(await reader.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Equal(shown.GetProperty("callId").GetString(), reader.GetString(0));
        Assert.Equal(shown.GetProperty("promptTokens").GetRawText(), reader.GetString(1));
        Assert.Equal("completed", reader.GetString(2));
        Assert.Equal(shown.GetProperty("traceId").GetString(), reader.GetString(3).Split('-')[1]);
        Assert.False(await reader.ReadAsync(TestContext.Current.CancellationToken));
    }
}
