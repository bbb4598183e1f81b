using LlmAspire.Web.Accounts;
using LlmAspire.Web.Conversations;
using Microsoft.AspNetCore.Components.Server.Circuits;

namespace LlmAspire.Web.Api;

public static class ApiExtensions
{
    /// <summary>Adds the clients of the service <c>api</c>.</summary>
    public static IHostApplicationBuilder AddApiClient(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddOptions<ApiAddressOptions>().BindConfiguration(ApiAddressOptions.Section);
        builder.Services.AddApiHttpClient<ApiConnection>();
        builder.Services.AddScoped<CircuitHandler, PageTraces>();
        builder.Services.AddTransient<PageTraceHandler>();
        builder.Services.AddTransient<ApiClient>();
        builder.Services.AddTransient<AccountsClient>();
        builder.Services.AddTransient<ConversationsClient>();
        return builder;
    }

    /// <summary>Adds a client of the service <c>api</c>, found through service discovery.</summary>
    /// <remarks>
    /// No resilience handler: it would retry a POST, which calls a model twice, and end a stream after seconds. A circuit
    /// keeps its client for hours, so connections are renewed by the socket handler instead of by exchanging handlers.
    /// </remarks>
    internal static void AddApiHttpClient<TClient>(this IServiceCollection services)
        where TClient : class => services
        .AddHttpClient<TClient>(client =>
        {
            client.BaseAddress = new Uri("https+http://api");
            client.Timeout = Timeout.InfiniteTimeSpan;
        })
        .UseSocketsHttpHandler((handler, _) =>
        {
            handler.ConnectTimeout = TimeSpan.FromSeconds(5);
            handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);
        })
        .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
        .AddHttpMessageHandler<PageTraceHandler>();
}
