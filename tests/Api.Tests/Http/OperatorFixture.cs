using LlmAspire.TestPostgres;

namespace LlmAspire.Api.Tests.Http;

/// <summary>The Api over a database of its own, and an operator of it.</summary>
public sealed class OperatorFixture : IAsyncLifetime
{
    private TestGateway _gateway = null!;
    private ApiFactory _api = null!;

    internal HttpClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        _api = new ApiFactory(_gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        Client = await _api.CreateSignedInClientAsync("operator");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _api.DisposeAsync();
        await _gateway.DisposeAsync();
    }
}
