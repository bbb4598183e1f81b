namespace LlmAspire.Web.Api;

public static class ApiExtensions
{
    /// <summary>Adds <see cref="ApiClient"/> for the service <c>api</c>, found through service discovery.</summary>
    /// <remarks>
    /// No resilience handler: it would retry a POST, which calls a model twice, and end a stream after seconds. A circuit
    /// keeps its client for hours, so connections are renewed by the socket handler instead of by exchanging handlers.
    /// </remarks>
    public static IHostApplicationBuilder AddApiClient(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services
            .AddHttpClient<ApiClient>(client =>
            {
                client.BaseAddress = new Uri("https+http://api");
                client.Timeout = Timeout.InfiniteTimeSpan;
            })
            .UseSocketsHttpHandler((handler, _) =>
            {
                handler.ConnectTimeout = TimeSpan.FromSeconds(5);
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        return builder;
    }
}
