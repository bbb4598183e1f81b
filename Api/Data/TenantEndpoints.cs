using LlmAspire.Api.Identity;

namespace LlmAspire.Api.Data;

/// <summary>The one place where a request's caller becomes the tenant of its context.</summary>
internal static class TenantEndpoints
{
    /// <summary>Handlers of these endpoints see the caller's rows only.</summary>
    public static RouteGroupBuilder ForTenant(this RouteGroupBuilder group)
    {
        group.AddEndpointFilter(static (invocation, next) =>
        {
            var caller = Caller.From(invocation.HttpContext.User);
            invocation.HttpContext.RequestServices.GetRequiredService<TenantContext>().Tenant = new Tenant(caller.OrgId, caller.UserId);
            return next(invocation);
        });
        return group;
    }
}
