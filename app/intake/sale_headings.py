"""Column headers of lists of past sales, in the spellings of many tills, shops and languages."""

from app.intake.headings import compact, heading
from app.intake.samples import Sample
from app.past_sales import SaleField
from app.staging import Field

_SPELLINGS: dict[SaleField, str] = {
    SaleField.ORDER: "order ordernumber orderno ordernr orderid ordername orderref orderreference "
    "invoiceno invoicenumber invoiceid invoice invoicenr receiptno receiptnumber receiptid receipt "
    "transactionid transactionno transaction ticketno ticketid ticket saleid saleno salesorder "
    "documentno billno bestellnummer bestellung bestellnr auftragsnummer rechnungsnummer rechnung "
    "belegnummer beleg bonnummer bon numerodepedido pedido numeropedido factura numerofactura "
    "facture numerofacture commande numerocommande encomenda numeroencomenda fatura recibo "
    "scontrino ordine numeroordine fattura bestelnummer bonnr factuur",
    SaleField.CUSTOMER: "customerid customerno customernumber customernr customerref "
    "customerreference customercode customer clientid clientno clientnumber clientcode client "
    "kundennummer kundennr kundenid kunde clienteid idcliente codcliente codigocliente cliente "
    "numeroclient codeclient idclient memberid memberno member patientid patient guestid guest "
    "buyerid buyer accountid accountno account userid customeruniqueid klantnummer klant "
    "codicecliente householdkey",
    SaleField.NAME: "customername clientname buyername membername patientname guestname fullname "
    "kundenname nombrecliente nomecliente nomclient klantnaam billingname customerfullname "
    "companyname company firmenname name",
    SaleField.DATE: "date orderdate invoicedate saledate solddate soldat orderedat saleson "
    "transactiondate receiptdate purchasedate paymentdate datetime orderdatetime timestamp "
    "orderpurchasetimestamp createdat paidat day datum bestelldatum verkaufsdatum rechnungsdatum "
    "belegdatum kaufdatum fecha fechapedido fechaventa fechafactura data datavenda datapedido "
    "dataencomenda datavendita dateachat datecommande datevente datefacture bestelldat "
    "invoicedatetime transactiontime when",
    SaleField.TIME: "time saletime ordertime timeofday uhrzeit zeit hora heure ora tijd",
    SaleField.ITEM: "item itemname product productname article articlename description "
    "itemdescription productdescription productdesc title lineitemname service servicename desc "
    "artikel artikelname artikelbezeichnung bezeichnung produkt produktname leistung produit "
    "designation libelle descripcion producto nombreproducto articulo servicio produto "
    "nomeproduto descricao artigo servico prodotto descrizione articolo omschrijving",
    SaleField.SKU: "sku stockcode itemcode itemno itemnumber itemid itemsku lineitemsku "
    "productcode productid productsku productno variantsku variantid articleno articlenumber "
    "articleid plu ean gtin upc barcode asin code artikelnummer artikelnr codigo codigoproducto "
    "codigoproduto codproduto referencia reference codearticle codeproduit codice "
    "codiceprodotto",
    SaleField.CATEGORY: "category categoryname productcategory productcategoryname itemcategory "
    "productgroup itemgroup department kategorie produktkategorie warengruppe artikelgruppe "
    "categoria categorie rayon famille familia gruppo group cate",
    SaleField.KIND: "kind itemkind itemtype producttype linetype productorservice type art typ "
    "tipo soort",
    SaleField.QUANTITY: "quantity qty lineitemquantity orderquantity quantitysold units unitssold "
    "unitsordered pieces pcs count noofitems numberofitems numberofcds amountofitems menge anzahl "
    "stuck stueck cantidad unidades quantidade qtd qtde quantite qte quantita aantal",
    SaleField.AMOUNT: "amount lineamount linetotal lineitemtotal total totalprice totalamount "
    "revenue sales saleamount salesamount salestotal turnover netamount grossamount subtotal value "
    "ordervalue ordertotal paymentvalue dollarvalue extendedprice spent betrag umsatz gesamtpreis "
    "gesamtbetrag summe importe importetotal montant montanttotal valor valortotal totale importo "
    "bedrag totaal monetary",
    SaleField.UNIT_PRICE: "unitprice price priceeach itemprice lineitemprice sellingprice "
    "pricepaid priceperunit einzelpreis preis stuckpreis verkaufspreis vk prixunitaire prix "
    "preciounitario precio precounitario preco prezzounitario prezzo eenheidsprijs prijs",
    SaleField.CHANNEL: "channel saleschannel orderchannel orderchannelname salesource source "
    "ordersource verkaufskanal kanal vertriebskanal canal canaldeventa canalvente canale kanaal",
}  # fmt: skip
_RANKS: dict[str, tuple[int, SaleField]] = {}
for _field, _words in _SPELLINGS.items():
    for _rank, _word in enumerate(_words.split()):
        _RANKS.setdefault(_word, (_rank, _field))
_PERSON = {
    Field.FIRST_NAME: SaleField.FIRST_NAME, Field.LAST_NAME: SaleField.LAST_NAME,
    Field.EMAIL: SaleField.EMAIL, Field.PHONE: SaleField.PHONE,
}  # fmt: skip


def known(header: str) -> tuple[int, SaleField] | None:
    """How good a word for which field a header is, None if it is none."""
    found = _RANKS.get(compact(header))
    if found is None and (person := heading(header)) and person.field in _PERSON:
        return person.rank, _PERSON[person.field]
    return found


def propose(sample: Sample) -> dict[str, SaleField | None]:
    """A field for each column by its header, the best word first; no field is given twice."""
    fields: dict[str, SaleField | None] = dict.fromkeys(sample.header)
    if not sample.has_header:
        return fields
    said = [(found, index) for index, name in enumerate(sample.header) if (found := known(name))]
    for (_, field), index in sorted(said, key=lambda each: (each[0][0], each[1])):
        if field not in fields.values():
            fields[sample.header[index]] = field
    return fields
