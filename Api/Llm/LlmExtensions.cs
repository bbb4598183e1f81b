using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net.Http.Headers;
using LlmAspire.Api.Http;
using LlmAspire.Api.Llm.Concurrency;
using LlmAspire.Api.Llm.Estimation;
using LlmAspire.Api.Llm.Forwarding;
using LlmAspire.Api.Tools;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenAI;

namespace LlmAspire.Api.Llm;

/// <summary>The boundary to the gateway: <see cref="IChatClient"/> and <see cref="IModelCatalog"/>. Nothing else knows it.</summary>
internal static class LlmExtensions
{
    public const string TelemetrySource = "LlmAspire.Api.Chat";

    public static TBuilder AddLlm<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.ConfigureOptions<GatewayOptionsSetup>().AddOptionsWithValidateOnStart<GatewayOptions>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<AccountingOptions>().BindConfiguration(AccountingOptions.Section)
            .Validate(options => options.IsPossible, AccountingOptions.WhatIsPossible)
            .Validate<IOptions<HostOptions>>(
                (options, host) => options.ShutdownGrace < host.Value.ShutdownTimeout, "Usage:ShutdownGrace must be shorter than the host's shutdown time-out.")
            .ValidateOnStart();
        services.AddSingleton<UsageEstimator>();
        services.AddHostedService<EstimatorWarmup>();
        services.AddSingleton<ActiveCalls>();
        services.AddHostedService(provider => provider.GetRequiredService<ActiveCalls>());
        services.AddOptions<ParallelLimits>().BindConfiguration(ParallelLimits.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ParallelRunner>();
        // It stops before the calls that it may be waiting for, and after those who give it work.
        services.AddHostedService(provider => provider.GetRequiredService<ParallelRunner>());
        services.AddSingleton<CallMetrics>();
        services.AddSingleton<CallAccounting>();
        services.AddTransient<UsageAccountingHandler>();
        services.AddSingleton<CallEstimator>();
        services.AddSingleton<CompletionForwarder>();
        services.AddGatewayHttpClient();

        services.AddSingleton<ModelCatalog>();
        services.AddSingleton<IModelCatalog>(provider => provider.GetRequiredService<ModelCatalog>());
        services.AddSingleton<GatewayClient>();
        services.AddHostedService<GatewayMonitor>();
        services.AddHealthChecks().AddCheck<GatewayHealthCheck>("gateway");

        // Outermost first. Accounting is below all of them, in the HTTP handler: each call of a tool loop is a call.
        services.AddChatClient(CreateOpenAIClient)
            .Use((client, provider) => new FunctionInvokingChatClient(client, functionInvocationServices: provider)
            {
                // It logs nothing: at its lowest level that would be what models and tools say.
                MaximumIterationsPerRequest = provider.GetRequiredService<IOptions<ToolOptions>>().Value.MaxRounds,
                AllowConcurrentInvocation = true,
            })
            .UseOpenTelemetry(sourceName: TelemetrySource)
            .Use(client => new DiscreetChatClient(client));
        return builder;
    }

    /// <summary>Answers 503 while the gateway was not reached yet, for the endpoints marked with <see cref="RequireGateway"/>.</summary>
    public static IApplicationBuilder UseGatewayReadiness(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<GatewayRequired>() is null
            || context.RequestServices.GetRequiredService<IModelCatalog>().IsLoaded)
        {
            await next(context);
            return;
        }

        await Problems.Create(
            context, StatusCodes.Status503ServiceUnavailable, "gateway_starting", "The model gateway is starting.",
            "Try again in a few seconds.", TimeSpan.FromSeconds(2)).ExecuteAsync(context);
    });

    public static TBuilder RequireGateway<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new GatewayRequired());

    private static void AddGatewayHttpClient(this IServiceCollection services) => services
        .AddHttpClient(GatewayClient.Name, (provider, client) =>
        {
            var options = provider.GetRequiredService<IOptions<GatewayOptions>>().Value;
            client.BaseAddress = options.Root;
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.ApiKey);
            // Answers stream for minutes: the accounting handler limits the silence between bytes, the probes limit themselves.
            client.Timeout = Timeout.InfiniteTimeSpan;
        })
        .ConfigurePrimaryHttpMessageHandler(provider => new SocketsHttpHandler
        {
            ConnectTimeout = provider.GetRequiredService<IOptions<GatewayOptions>>().Value.ConnectTimeout,
            // The chat client keeps its handler for ever, so connections have to follow the gateway's name themselves.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            // An answer that is left must not be read on for the sake of its connection: the model would go on for that long, two seconds by default.
            ResponseDrainTimeout = TimeSpan.Zero,
        })
        .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
        // The accounting logs what fails, in a line.
        .RemoveAllLoggers()
        .AddHttpMessageHandler<UsageAccountingHandler>();

    private static IChatClient CreateOpenAIClient(IServiceProvider provider) => CreateOpenAIClient(
        provider.GetRequiredService<IOptions<GatewayOptions>>().Value,
        provider.GetRequiredService<IHttpClientFactory>().CreateClient(GatewayClient.Name));

    internal static IChatClient CreateOpenAIClient(GatewayOptions options, HttpClient http) =>
        new OpenAIClient(new ApiKeyCredential(options.ApiKey), new OpenAIClientOptions
        {
            Endpoint = options.OpenAIEndpoint,
            Transport = new HttpClientPipelineTransport(http),
            // Retries have one owner, the gateway.
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            // Nor are its time-outs wanted: the accounting handler has them, and settles what it cuts.
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        }).GetChatClient(options.ChatModel).AsIChatClient();

    private sealed class GatewayRequired;
}
