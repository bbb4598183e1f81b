using LlmAspire.AppHost.Gateway;
using LlmAspire.AppHost.Preflight;
using LlmAspire.AppHost.Stack;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace LlmAspire.AppHost.Running;

/// <summary>Runs the stack from its first check to its last process.</summary>
internal static class StackRun
{
    private const int Failed = 1;

    /// <summary>For how long a resource may run without being healthy while the stack starts; <c>Stack:HealthPatience</c> is another.</summary>
    private static readonly TimeSpan HealthPatience = TimeSpan.FromMinutes(1);

    /// <summary>Looks for what would stop the stack and says it in one message, or runs the stack until it is stopped, or publishes it.</summary>
    /// <returns>The exit code: 0 when the stack was ready and then stopped.</returns>
    public static int RunStack(this IDistributedApplicationBuilder builder, StackChoice stack)
    {
        builder.Services.TryAddSingleton<OrderedStop>();
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.Services.AddHostedService(services => services.GetRequiredService<OrderedStop>());
        }

        // Tests take the application over here.
        var app = builder.Build();

        return RunAsync(builder, app, stack).GetAwaiter().GetResult();
    }

    private static async Task<int> RunAsync(IDistributedApplicationBuilder builder, DistributedApplication app, StackChoice stack)
    {
        await using (app)
        {
            if (await builder.FindObstacleAsync(stack, CancellationToken.None) is { } obstacle)
            {
                await Console.Error.WriteLineAsync(obstacle);
                return Failed;
            }

            if (builder.ExecutionContext.IsPublishMode)
            {
                await app.RunAsync();
                return Environment.ExitCode;
            }

            Secrets.RemoveFromEnvironment();
            builder.LastMode().Write(stack.Mode);
            return await RunAndTellAsync(builder, app);
        }
    }

    private static async Task<int> RunAndTellAsync(IDistributedApplicationBuilder builder, DistributedApplication app)
    {
        var lifetime = app.Services.GetRequiredService<IHostApplicationLifetime>();
        var narrator = new StackNarrator(
            app.Services.GetRequiredService<DistributedApplicationModel>(),
            app.ResourceNotifications,
            app.Services.GetRequiredService<ResourceLoggerService>().GetAllAsync,
            Console.Out,
            TimeProvider.System,
            builder.Configuration.GetValue("Stack:HealthPatience", HealthPatience),
            lifetime.ApplicationStopping);
        using var stopped = new CancellationTokenSource();
        var telling = TellAsync(narrator, lifetime, stopped.Token);
        try
        {
            await app.RunAsync();
        }
        catch (Exception) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // What is still starting is torn off in many ways; why the stack stops was told.
        }
        finally
        {
            lifetime.StopApplication();
            // A host that is stopped while it starts stops nothing by itself.
            await app.Services.GetRequiredService<OrderedStop>().StopResourcesAsync();
            await stopped.CancelAsync();
        }

        return !await telling && narrator.WasReady ? Environment.ExitCode : Failed;
    }

    /// <returns>True when the stack was given up.</returns>
    private static async Task<bool> TellAsync(StackNarrator narrator, IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        var isGivenUp = await narrator.TellAsync(cancellationToken);
        if (isGivenUp)
        {
            lifetime.StopApplication();
        }

        return isGivenUp;
    }
}
