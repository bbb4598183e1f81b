using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Prices;

/// <summary>Asks the gateway for its prices.</summary>
internal sealed class GatewayPriceClient(HttpClient http, IOptions<PriceSyncOptions> options)
{
    /// <exception cref="HttpRequestException">When the gateway is away or refuses.</exception>
    /// <exception cref="TimeoutException">When it takes too long.</exception>
    /// <exception cref="JsonException">When it answers something else.</exception>
    public async Task<IReadOnlyList<GatewayModelPrices>> ReadAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.SyncTimeout);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.Value.Root, "model/info"));
        if (options.Value.ApiKey is { } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        try
        {
            using var response = await http.SendAsync(request, patience.Token);
            // A gateway other than LiteLLM may have no prices: then people give them.
            if (response.StatusCode == HttpStatusCode.NotFound)
            {
                return [];
            }

            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            using var answer = await JsonDocument.ParseAsync(body, cancellationToken: patience.Token);
            return GatewayPrices.Read(answer.RootElement);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The gateway did not answer within {options.Value.SyncTimeout}.", exception);
        }
    }
}
