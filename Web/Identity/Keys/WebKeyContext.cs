using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Web.Identity.Keys;

/// <summary>
/// The keys that this front end's cookies are made of, shared by its replicas: the only table that it touches. The Api's migrations make it.
/// </summary>
internal sealed class WebKeyContext(DbContextOptions<WebKeyContext> options) : DbContext(options), IDataProtectionKeyContext
{
    public const string ConnectionName = "llm";

    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<DataProtectionKey>(key =>
    {
        key.ToTable("web_key", "tenant");
        key.Property(row => row.Id).HasColumnName("id");
        key.Property(row => row.FriendlyName).HasColumnName("friendly_name");
        key.Property(row => row.Xml).HasColumnName("xml");
    });
}
